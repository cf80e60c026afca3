"""ELBv2 made, changed and taken apart: what Terraform and people do around a deployment."""

from .common import fails

WORLD = None
SUBNETS = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]


def play(sandbox, clients, _):
    elb = clients.elbv2
    blue, green = (group(elb, name) for name in ("blue", "green"))
    balancer = elb.create_load_balancer(Name="edge", Subnets=SUBNETS, Tags=[{"Key": "a", "Value": "b"}])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[forward(blue, green)]
    )["Listeners"][0]["ListenerArn"]
    rules(elb, listener, blue, green)
    attributes(elb, arn, listener, blue)
    targets(sandbox, elb, blue)
    tags(elb, arn)
    apart(elb, arn, listener, blue, green)


def group(elb, name):
    made = elb.create_target_group(
        Name=name, Protocol="HTTP", Port=80, VpcId="vpc-0a1b2c3d4e5f60000", TargetType="ip"
    )
    return made["TargetGroups"][0]["TargetGroupArn"]


def forward(blue, green, weight=0):
    return {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": blue, "Weight": 100 - weight},
                {"TargetGroupArn": green, "Weight": weight},
            ],
            "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
        },
    }


def rules(elb, listener, blue, green):
    conditions = [
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}},
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.com"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-test", "Values": ["1"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}},
    ]
    made = elb.create_rule(
        ListenerArn=listener, Priority=10, Conditions=conditions, Actions=[forward(blue, green, 10)]
    )
    arn = made["Rules"][0]["RuleArn"]
    elb.create_rule(
        ListenerArn=listener,
        Priority=20,
        Conditions=[{"Field": "path-pattern", "Values": ["/old"]}],
        Actions=[
            {
                "Type": "redirect",
                "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
            }
        ],
    )
    elb.create_rule(
        ListenerArn=listener,
        Priority=30,
        Conditions=[{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}],
        Actions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "no"},
            }
        ],
    )
    for weight in (50, 100):
        elb.modify_rule(RuleArn=arn, Actions=[forward(blue, green, weight)])
        elb.describe_rules(RuleArns=[arn])
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": arn, "Priority": 5}])
    assert [rule["Priority"] for rule in elb.describe_rules(ListenerArn=listener)["Rules"]][0] == "5"
    elb.modify_listener(ListenerArn=listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": blue}])
    fails("PriorityInUse", elb.create_rule, ListenerArn=listener, Priority=20,
          Conditions=[{"Field": "path-pattern", "Values": ["/x"]}], Actions=[forward(blue, green)])
    fails("RuleNotFound", elb.modify_rule, RuleArn=arn[:-1] + "x", Actions=[forward(blue, green)])
    elb.delete_rule(RuleArn=arn)


def attributes(elb, balancer, listener, blue):
    elb.modify_target_group_attributes(
        TargetGroupArn=blue, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    )
    elb.describe_target_group_attributes(TargetGroupArn=blue)
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "30"}]
    )
    elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)
    known = elb.describe_listener_attributes(ListenerArn=listener)["Attributes"]
    elb.modify_listener_attributes(ListenerArn=listener, Attributes=known[:1])
    elb.modify_target_group(TargetGroupArn=blue, HealthCheckPath="/up", Matcher={"HttpCode": "200-299"})


def targets(sandbox, elb, blue):
    target = {"Id": "10.0.0.7", "Port": 80}
    elb.register_targets(TargetGroupArn=blue, Targets=[target])
    for _ in range(15):
        sandbox.hurry(10)
        elb.describe_target_health(TargetGroupArn=blue)
        elb.describe_target_health(TargetGroupArn=blue, Targets=[target])
    elb.deregister_targets(TargetGroupArn=blue, Targets=[target])
    for _ in range(3):
        elb.describe_target_health(TargetGroupArn=blue)
        sandbox.hurry(3)


def tags(elb, arn):
    elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "team", "Value": "x"}])
    elb.describe_tags(ResourceArns=[arn])
    elb.remove_tags(ResourceArns=[arn], TagKeys=["team"])


def apart(elb, balancer, listener, blue, green):
    elb.describe_load_balancers(Names=["edge"])
    elb.describe_capacity_reservation(LoadBalancerArn=balancer)
    elb.describe_listeners(LoadBalancerArn=balancer)
    elb.describe_target_groups(LoadBalancerArn=balancer)
    elb.describe_target_groups(Names=["green"])
    fails("TargetGroupNotFound", elb.describe_target_groups, Names=["no-such"])
    fails("LoadBalancerNotFound", elb.describe_load_balancers, Names=["no-such"])
    fails("ResourceInUse", elb.delete_target_group, TargetGroupArn=blue)
    elb.delete_listener(ListenerArn=listener)
    elb.delete_load_balancer(LoadBalancerArn=balancer)
    for arn in (blue, green):
        elb.delete_target_group(TargetGroupArn=arn)
