"""Shows that the judge is awake: planted mistakes, each of which it must find.

    python planted.py
"""

from sandbox import new_judge

# (service, operation, raw body, what must be found)
ANSWERS = [
    ("sts", "GetCallerIdentity", b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>", ""),
    ("sts", "GetCallerIdentity", b"<GetCallerIdentityResponse/>", "0 elements"),
    ("elbv2", "DescribeRules", b"<DescribeRulesResponse><DescribeRulesResult><Rules><item/></Rules>"
     b"</DescribeRulesResult></DescribeRulesResponse>", "has an item named item"),
    ("elbv2", "DescribeRules", b"<DescribeRulesResponse><DescribeRulesResult><Rules><member><Actions><member/>"
     b"</Actions></member></Rules></DescribeRulesResult></DescribeRulesResponse>", "lacks Type"),
    ("elbv2", "DescribeRules", b"<DescribeRulesResponse><DescribeRulesResult><Rules><member><IsDefault>yes</IsDefault>"
     b"</member></Rules></DescribeRulesResult></DescribeRulesResponse>", "not boolean"),
    ("ecs", "DescribeServices", b'{"services": [{"serviceName": "web"}]}', ""),
    ("ecs", "DescribeServices", b'{"services": [{"ServiceName": "web"}]}', "does not know"),
    ("ecs", "DescribeServices", b'{"services": [{"desiredCount": "2"}]}', "not integer"),
    ("ecs", "DescribeServices", b'{"services": [{"createdAt": "2026-01-01T00:00:00Z"}]}', "not timestamp"),
    ("ecs", "DescribeServices", b'{"services": [{"launchType": "LAMBDA"}]}', "LaunchType does not know"),
    ("ecs", "DescribeServices", b'{"services": [{"serviceName": null}]}', "not string"),
    ("ecs", "DescribeServices", b'{"services": [{"deploymentConfiguration": {"alarms": {"enable": true}}}]}', "lacks"),
]
ERRORS = [
    ("ecs", "UpdateService", 400, b'{"__type": "ServiceNotFoundException", "message": "a"}', ""),
    ("ecs", "UpdateService", 400, b'{"__type": "NoSuchService", "message": "a"}', "is not modelled for it"),
    ("ecs", "UpdateService", 400, b'{"__type": "ServiceNotFoundException", "why": "a"}', "a member why"),
    ("elbv2", "DescribeRules", 400, b"<ErrorResponse><Error><Type>Sender</Type><Code>RuleNotFoundException</Code>"
     b"<Message>a</Message></Error></ErrorResponse>", "is not modelled for it"),
]


def main():
    for service, operation, body, wanted in ANSWERS:
        judge = new_judge()
        judge.answer(service, operation_model(judge, service, operation), body)
        check(judge, body, wanted)
    for service, operation, status, body, wanted in ERRORS:
        judge = new_judge()
        judge.error(service, operation_model(judge, service, operation), status, body)
        check(judge, body, wanted)
    print(f"{len(ANSWERS) + len(ERRORS)} planted answers were judged rightly")


def operation_model(judge, service, operation):
    return judge.session.get_service_model(service).operation_model(operation)


def check(judge, body, wanted):
    found = list(judge.findings)
    right = any(wanted in finding for finding in found) if wanted else not found
    assert right, f"{body}: wanted {wanted!r}, found {found}"


if __name__ == "__main__":
    main()
