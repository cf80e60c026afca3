"""CloudWatch: metrics of the load balancer and the service while a release rolls out, and alarms over them."""

from datetime import datetime, timedelta, timezone

from .common import fails, revision, watch
from .web import IMAGE

WORLD = "fargate-web"
ADDED = """
traffic:
  - { listener: "main:80", requestsPerSecond: 5 }
"""


def play(sandbox, clients, operations):
    if "cloudwatch" not in operations:
        return
    watcher = clients.cloudwatch
    now = datetime.fromisoformat(clock(clients))
    alarm(watcher)
    watcher.put_metric_data(
        Namespace="Shop",
        MetricData=[
            {"MetricName": "Orders", "Value": 3.0, "Unit": "Count", "Timestamp": now},
            {"MetricName": "Wait", "Values": [1.0, 2.5], "Counts": [2.0, 1.0],
             "Dimensions": [{"Name": "Queue", "Value": "a"}]},
        ],
    )
    clients.ecs.update_service(
        cluster="main", service="web", taskDefinition=revision(clients, "web", f"{IMAGE}:1.1.0")
    )
    watch(sandbox, clients, "main", "web", until=lambda service: read(watcher, now) and steady_long(service))
    sandbox.hurry(600)
    read(watcher, now)
    listed = watcher.list_metrics(Namespace="AWS/ApplicationELB")["Metrics"]
    assert any(metric["MetricName"] == "RequestCount" for metric in listed)
    states(sandbox, watcher)


def clock(clients):
    """The sandbox's now: the instant at which a revision is registered."""
    made = clients.ecs.register_task_definition(
        family="clock", containerDefinitions=[{"name": "a", "image": "nginx", "memory": 64}]
    )
    return made["taskDefinition"]["registeredAt"].astimezone(timezone.utc).isoformat()


def steady_long(service):
    return len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"]


def alarm(watcher):
    watcher.put_metric_alarm(
        AlarmName="errors",
        Namespace="Shop",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        DatapointsToAlarm=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )


def read(watcher, since):
    until = since + timedelta(hours=1)
    watcher.get_metric_statistics(
        Namespace="Shop", MetricName="Orders", StartTime=since - timedelta(minutes=5), EndTime=until,
        Period=60, Statistics=["Sum", "Average", "Maximum", "SampleCount"],
    )
    metric = {"Namespace": "Shop", "MetricName": "Orders"}
    return watcher.get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
            {"Id": "e", "Expression": "FILL(m, 0) * 2", "Label": "twice"},
        ],
        StartTime=since - timedelta(minutes=5),
        EndTime=until,
        ScanBy="TimestampAscending",
    )["MetricDataResults"]


def states(sandbox, watcher):
    for state in ("ALARM", "OK"):
        watcher.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="boto3")
        told = watcher.describe_alarms(AlarmNames=["errors"])["MetricAlarms"][0]
        assert told["StateValue"] == state, told
    arn = {"ResourceARN": told["AlarmArn"]}
    watcher.tag_resource(**arn, Tags=[{"Key": "team", "Value": "a"}])
    assert watcher.list_tags_for_resource(**arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    watcher.untag_resource(**arn, TagKeys=["team"])
    sandbox.hurry(120)
    watcher.describe_alarms(StateValue="OK")
    watcher.describe_alarms_for_metric(Namespace="Shop", MetricName="Errors")
    watcher.describe_alarm_history(AlarmName="errors")
    watcher.disable_alarm_actions(AlarmNames=["errors"])
    watcher.enable_alarm_actions(AlarmNames=["errors"])
    fails("ResourceNotFound", watcher.set_alarm_state, AlarmName="no", StateValue="OK", StateReason="x")
    watcher.delete_alarms(AlarmNames=["errors"])
