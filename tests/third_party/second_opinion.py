"""The same calls to the sandbox and to moto, a stand-in for AWS by others: both must answer alike.

    python second_opinion.py PROGRAM

Asked is what moto answers as AWS does: documents registered and read back, weighted rules, atomic parameters, errors of
the registry. It models no deployment, so nothing is asked about time. Prints a report as JSON; exits 1 at a difference
that is not among the KNOWN ones, or if a known one is there no more.
"""

import json
import sys
import tempfile

import boto3
import botocore.config
import botocore.exceptions
from moto.server import ThreadedMotoServer

from sandbox import Sandbox

REGION = "eu-central-1"
CONFIG = botocore.config.Config(retries={"total_max_attempts": 1})

DOCUMENT = {
    "family": "web",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "executionRoleArn": "arn:aws:iam::123456789012:role/exec",
    "volumes": [{"name": "cache"}],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "web:1",
            "essential": True,
            "command": ["serve", "--port", "80"],
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp", "name": "http"}],
            "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": ""}],
            "secrets": [{"name": "KEY", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/key"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "web"}},
            "healthCheck": {"command": ["CMD", "true"], "interval": 10, "timeout": 2, "retries": 3},
            "stopTimeout": 5,
            "dockerLabels": {"a": "b"},
            "mountPoints": [{"sourceVolume": "cache", "containerPath": "/c", "readOnly": False}],
        },
        {"name": "log", "image": "fluent:1", "essential": False, "memoryReservation": 50},
    ],
}


class World:
    """One endpoint, and what was said there: an answer's chosen part or an error's code, by step."""

    def __init__(self, endpoint):
        session = boto3.Session("key", "secret", region_name=REGION)
        for service in ("ecs", "ecr", "elbv2", "ssm", "sts", "cloudwatch"):
            setattr(self, service, session.client(service, endpoint_url=endpoint, config=CONFIG))
        self.said = {}

    def ask(self, step, call, part=lambda answer: None, **given):
        """Makes one call; keeps the part of the answer that both must agree on."""
        assert step not in self.said, step
        try:
            answer = call(**given)
        except botocore.exceptions.ClientError as error:
            self.said[step] = {"error": error.response["Error"]["Code"]}
            return None
        self.said[step] = {"answer": part(answer)}
        return answer


def definitions(world):
    ecs = world.ecs

    def document(answer):
        found = answer["taskDefinition"]
        containers = [
            {key: one.get(key) for key in given}
            for one, given in zip(found["containerDefinitions"], DOCUMENT["containerDefinitions"])
        ]
        kept = {key: found.get(key) for key in DOCUMENT if key != "containerDefinitions"}
        return kept | {
            "containerDefinitions": containers,
            "revision": found["revision"],
            "status": found["status"],
        }

    world.ask("register", ecs.register_task_definition, document, **DOCUMENT)
    world.ask("register again", ecs.register_task_definition, document, **DOCUMENT)
    world.ask("describe the newest of a family", ecs.describe_task_definition, document, taskDefinition="web")
    world.ask("describe by number", ecs.describe_task_definition, document, taskDefinition="web:1")
    world.ask("describe what is not there", ecs.describe_task_definition, taskDefinition="web:9")
    world.ask("deregister", ecs.deregister_task_definition, document, taskDefinition="web:2")
    world.ask("the newest active one", ecs.describe_task_definition, document, taskDefinition="web")
    arns = lambda answer: [arn.rsplit("/", 1)[1] for arn in answer["taskDefinitionArns"]]
    world.ask("list active ones", ecs.list_task_definitions, arns, familyPrefix="web", status="ACTIVE")
    world.ask("list inactive ones", ecs.list_task_definitions, arns, familyPrefix="web", status="INACTIVE")
    families = lambda answer: answer["families"]
    world.ask("list families", ecs.list_task_definition_families, families, status="ACTIVE")


def clusters(world):
    ecs = world.ecs
    name = lambda answer: (answer["cluster"]["clusterName"], answer["cluster"]["status"])
    world.ask("create a cluster", ecs.create_cluster, name, clusterName="main")
    found = lambda answer: [one["clusterName"] for one in answer["clusters"]]
    world.ask("describe clusters", ecs.describe_clusters, found, clusters=["main", "none"])
    world.ask("a service of no cluster", ecs.describe_services, cluster="none", services=["web"])
    missing = lambda answer: [one["reason"] for one in answer["failures"]]
    world.ask("a service that is not there", ecs.describe_services, missing, cluster="main", services=["web"])
    world.ask("update a service of no cluster", ecs.update_service, cluster="none", service="web")
    world.ask("update a service that is not there", ecs.update_service, cluster="main", service="web")


def routing(world):
    elb = world.elbv2
    group = dict(
        Protocol="HTTP", Port=80, VpcId=world.subnets[0]["VpcId"], TargetType="ip", HealthCheckPath="/ok"
    )
    shape = lambda answer: {
        key: answer["TargetGroups"][0].get(key)
        for key in (
            "TargetGroupName",
            "Protocol",
            "Port",
            "TargetType",
            "HealthCheckPath",
            "HealthCheckProtocol",
            "HealthCheckPort",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
            "Matcher",
        )
    }
    made = [
        world.ask(f"create group {name}", elb.create_target_group, shape, Name=name, **group)
        for name in ("blue", "green")
    ]
    blue, green = (answer["TargetGroups"][0]["TargetGroupArn"] for answer in made)
    world.ask("a group of a taken name", elb.create_target_group, shape, Name="blue", **group | {"Port": 81})
    world.ask("describe no such group", elb.describe_target_groups, Names=["none"])
    subnets = [one["SubnetId"] for one in world.subnets]
    balancer = world.ask(
        "create a load balancer",
        elb.create_load_balancer,
        lambda a: (
            a["LoadBalancers"][0]["LoadBalancerName"],
            a["LoadBalancers"][0]["Type"],
            a["LoadBalancers"][0].get("Scheme"),
        ),
        Name="edge",
        Subnets=subnets,
    )
    balancer = balancer["LoadBalancers"][0]["LoadBalancerArn"]

    def actions(of):
        names = {blue: "blue", green: "green"}
        told = json.loads(json.dumps(of))
        for action in told:
            for one in action.get("ForwardConfig", {}).get("TargetGroups", []):
                one["TargetGroupArn"] = names[one["TargetGroupArn"]]
            action.pop("TargetGroupArn", None)
        return told

    listener = world.ask(
        "create a listener",
        elb.create_listener,
        lambda a: (a["Listeners"][0]["Port"], a["Listeners"][0]["Protocol"]),
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"},
            }
        ],
    )["Listeners"][0]["ListenerArn"]
    rules = lambda answer: [
        (
            rule["Priority"],
            rule["IsDefault"],
            [one["Field"] for one in rule["Conditions"]],
            actions(rule["Actions"]),
        )
        for rule in answer["Rules"]
    ]

    def forward(of_blue, of_green):
        return [
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": blue, "Weight": of_blue},
                        {"TargetGroupArn": green, "Weight": of_green},
                    ],
                    "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 600},
                },
            }
        ]

    condition = [{"Field": "path-pattern", "Values": ["/*"]}]
    rule = world.ask(
        "create a weighted rule",
        elb.create_rule,
        rules,
        ListenerArn=listener,
        Priority=10,
        Conditions=condition,
        Actions=forward(100, 0),
    )
    rule = rule["Rules"][0]["RuleArn"]
    world.ask(
        "a taken priority",
        elb.create_rule,
        ListenerArn=listener,
        Priority=10,
        Conditions=condition,
        Actions=forward(1, 1),
    )
    world.ask("shift the weights", elb.modify_rule, rules, RuleArn=rule, Actions=forward(95, 5))
    world.ask("read the weights back", elb.describe_rules, rules, RuleArns=[rule])
    world.ask("all rules of the listener", elb.describe_rules, rules, ListenerArn=listener)
    world.ask("no such rule", elb.describe_rules, RuleArns=[rule[:-1] + ("0" if rule[-1] != "0" else "1")])
    world.ask(
        "targets of no such group",
        elb.describe_target_health,
        TargetGroupArn=blue[:-1] + ("0" if blue[-1] != "0" else "1"),
    )
    world.ask("delete a group in use", elb.delete_target_group, TargetGroupArn=green)
    attributes = lambda answer: {
        one["Key"]: one["Value"]
        for one in answer["Attributes"]
        if one["Key"] == "deregistration_delay.timeout_seconds"
    }
    world.ask("the usual drain", elb.describe_target_group_attributes, attributes, TargetGroupArn=blue)
    world.ask(
        "another drain",
        elb.modify_target_group_attributes,
        attributes,
        TargetGroupArn=blue,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}],
    )


def parameters(world):
    ssm = world.ssm
    value = lambda answer: (
        answer["Parameter"]["Value"],
        answer["Parameter"]["Version"],
        answer["Parameter"]["Type"],
    )
    version = lambda answer: answer["Version"]
    world.ask("create a parameter", ssm.put_parameter, version, Name="/lock/a", Value="1", Type="String")
    world.ask("create it again", ssm.put_parameter, version, Name="/lock/a", Value="2", Type="String")
    world.ask("the first value stands", ssm.get_parameter, value, Name="/lock/a")
    world.ask(
        "overwrite it", ssm.put_parameter, version, Name="/lock/a", Value="3", Type="String", Overwrite=True
    )
    world.ask("read it", ssm.get_parameter, value, Name="/lock/a")
    many = lambda answer: ([one["Name"] for one in answer["Parameters"]], answer["InvalidParameters"])
    world.ask("read several", ssm.get_parameters, many, Names=["/lock/a", "/lock/b"])
    world.ask("read none", ssm.get_parameter, Name="/lock/b")
    world.ask("delete it", ssm.delete_parameter, Name="/lock/a")
    world.ask("delete it twice", ssm.delete_parameter, Name="/lock/a")
    gone = lambda answer: (answer["DeletedParameters"], answer["InvalidParameters"])
    world.ask("delete several", ssm.delete_parameters, gone, Names=["/lock/a", "/lock/b"])


def registry(world):
    ecr = world.ecr
    world.ask("images of no repository", ecr.describe_images, repositoryName="none")
    world.ask("no such tag", ecr.describe_images, repositoryName="web", imageIds=[{"imageTag": "none"}])
    world.ask("no images", ecr.describe_images, lambda a: a["imageDetails"], repositoryName="web")
    world.ask("no such repository", ecr.describe_repositories, repositoryNames=["none"])


def metrics(world):
    watch = world.cloudwatch
    alarm = dict(
        AlarmName="high",
        Namespace="N",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    world.ask("put an alarm", watch.put_metric_alarm, **alarm)
    shown = lambda answer: [
        {key: one[key] for key in alarm} | {"state": one["StateValue"]} for one in answer["MetricAlarms"]
    ]
    world.ask("describe an alarm", watch.describe_alarms, shown, AlarmNames=["high", "none"])
    world.ask(
        "set its state", watch.set_alarm_state, AlarmName="high", StateValue="ALARM", StateReason="test"
    )
    world.ask("its state", watch.describe_alarms, shown, AlarmNames=["high"])
    world.ask("no such alarm", watch.set_alarm_state, AlarmName="none", StateValue="OK", StateReason="test")


SCENES = (definitions, clusters, routing, parameters, registry, metrics)

# Where the two differ, and who is right.
KNOWN = {
    "the newest active one": "moto gives the newest revision though it is INACTIVE; ECS the newest ACTIVE one",
    "create a load balancer": "moto leaves the usual Scheme, internet-facing, out",
    "describe an alarm": "moto begins an alarm in OK; CloudWatch in INSUFFICIENT_DATA",
}

# The sandbox's registry is filled by its world file, moto's by a call.
WORLD = "repositories: [{ repositoryName: web, images: [] }]\n"


def play(endpoint, subnets):
    world = World(endpoint)
    world.subnets = subnets
    for scene in SCENES:
        scene(world)
    return world.said


def main(program):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    other = f"http://127.0.0.1:{port}"
    session = boto3.Session("key", "secret", region_name=REGION)
    session.client("ecr", endpoint_url=other).create_repository(repositoryName="web")
    subnets = session.client("ec2", endpoint_url=other).describe_subnets()["Subnets"][:2]
    theirs = play(other, subnets)
    server.stop()
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as world:
        world.write(WORLD)
        world.flush()
        with Sandbox(program, world.name) as sandbox:
            ours = play(sandbox.endpoint, subnets)
    plain = lambda said: json.loads(json.dumps(said, default=str))
    ours, theirs = plain(ours), plain(theirs)
    differ = {
        step: {"sandbox": ours[step], "moto": theirs.get(step)}
        for step in ours
        if ours[step] != theirs.get(step)
    }
    new = {step: both for step, both in differ.items() if step not in KNOWN}
    gone = [step for step in KNOWN if step not in differ]
    agree = len(ours) - len(differ)
    print(
        json.dumps(
            {"asked": len(ours), "agree": agree, "known": KNOWN, "new": new, "known but gone": gone}, indent=2
        )
    )
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
