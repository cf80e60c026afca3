//! `ELBv2` through the sandbox's door.

use crate::sandbox::tests::{elb, element, empty};
use crate::sandbox::{Duration, Sandbox, Time};

/// Makes a load balancer with two groups and a weighted default action; returns the group ARNs and the listener's.
pub fn weighted(sandbox: &mut Sandbox) -> (String, String, String) {
    let mut group = |name: &str| {
        let (status, xml) = elb(
            sandbox,
            &format!(
                "CreateTargetGroup&Name={name}&Protocol=HTTP&Port=80&VpcId=vpc-1&TargetType=ip"
            ),
        );
        assert_eq!(status, 200, "{xml}");
        element(&xml, "TargetGroupArn").to_owned()
    };
    let (blue, green) = (group("blue"), group("green"));
    let (_, xml) = elb(
        sandbox,
        "CreateLoadBalancer&Name=web&Subnets.member.1=subnet-1&Subnets.member.2=subnet-2",
    );
    let lb = element(&xml, "LoadBalancerArn").to_owned();
    let groups = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    let body = format!(
        "CreateListener&LoadBalancerArn={lb}&Port=80&Protocol=HTTP&DefaultActions.member.1.Type=forward\
         &{groups}.1.TargetGroupArn={blue}&{groups}.1.Weight=100&{groups}.2.TargetGroupArn={green}&{groups}.2.Weight=0"
    );
    let (status, xml) = elb(sandbox, &body);
    assert_eq!(status, 200, "{xml}");
    (blue, green, element(&xml, "ListenerArn").to_owned())
}

#[test]
fn one_group_is_echoed_in_both_forms_and_several_only_in_the_long_one() {
    let mut sandbox = empty();
    let (blue, green, listener) = weighted(&mut sandbox);
    let (_, xml) = elb(
        &mut sandbox,
        &format!("DescribeRules&ListenerArn={listener}"),
    );
    assert_eq!(
        (element(&xml, "Priority"), element(&xml, "IsDefault")),
        ("default", "true")
    );
    let actions = element(&xml, "Actions");
    assert_eq!(
        actions,
        format!(
            "<member><Type>forward</Type><ForwardConfig><TargetGroups><member><TargetGroupArn>{blue}</TargetGroupArn><Weight>100</Weight></member>\
             <member><TargetGroupArn>{green}</TargetGroupArn><Weight>0</Weight></member></TargetGroups>\
             <TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig></ForwardConfig></member>"
        )
    );
    let only = format!(
        "ModifyListener&ListenerArn={listener}&DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={green}"
    );
    let (status, xml) = elb(&mut sandbox, &only);
    assert_eq!(status, 200, "{xml}");
    assert_eq!(
        element(&xml, "DefaultActions"),
        format!(
            "<member><Type>forward</Type><TargetGroupArn>{green}</TargetGroupArn><ForwardConfig><TargetGroups><member><TargetGroupArn>{green}</TargetGroupArn>\
             <Weight>1</Weight></member></TargetGroups><TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig></ForwardConfig></member>"
        )
    );
}

#[test]
fn rules_keep_their_priorities_apart_and_the_default_rule_stays() {
    let mut sandbox = empty();
    let (blue, _, listener) = weighted(&mut sandbox);
    let create = |priority: u32| {
        format!(
            "CreateRule&ListenerArn={listener}&Priority={priority}&Conditions.member.1.Field=path-pattern&Conditions.member.1.Values.member.1=/a\
             &Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn={blue}"
        )
    };
    let (status, xml) = elb(&mut sandbox, &create(20));
    assert_eq!(status, 200, "{xml}");
    let rule = element(&xml, "RuleArn").to_owned();
    assert!(rule.contains(":listener-rule/app/web/"), "{rule}");
    assert!(
        xml.contains("<PathPatternConfig><Values><member>/a</member></Values></PathPatternConfig>"),
        "{xml}"
    );
    let code = |(status, xml): (u16, String)| (status, element(&xml, "Code").to_owned());
    assert_eq!(
        code(elb(&mut sandbox, &create(20))),
        (400, "PriorityInUse".to_owned())
    );
    assert_eq!(
        code(elb(&mut sandbox, &create(0))),
        (400, "ValidationError".to_owned())
    );

    let (_, xml) = elb(
        &mut sandbox,
        &format!("DescribeRules&ListenerArn={listener}"),
    );
    let default = xml
        .split("<RuleArn>")
        .nth(2)
        .unwrap()
        .split("</RuleArn>")
        .next()
        .unwrap();
    assert_eq!(
        code(elb(&mut sandbox, &format!("DeleteRule&RuleArn={default}"))),
        (400, "OperationNotPermitted".to_owned())
    );
    let modify = format!(
        "ModifyRule&RuleArn={default}&Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn={blue}"
    );
    assert_eq!(
        code(elb(&mut sandbox, &modify)),
        (400, "OperationNotPermitted".to_owned())
    );

    assert_eq!(elb(&mut sandbox, &format!("SetRulePriorities&RulePriorities.member.1.RuleArn={rule}&RulePriorities.member.1.Priority=5")).0, 200);
    assert_eq!(
        elb(&mut sandbox, &format!("DeleteRule&RuleArn={rule}")).0,
        200
    );
    assert_eq!(
        code(elb(
            &mut sandbox,
            &format!("DescribeRules&RuleArns.member.1={rule}")
        )),
        (400, "RuleNotFound".to_owned())
    );
}

#[test]
fn a_group_in_use_cannot_be_deleted_or_shared() {
    let mut sandbox = empty();
    let (blue, _, listener) = weighted(&mut sandbox);
    let code = |(_, xml): (u16, String)| element(&xml, "Code").to_owned();
    assert_eq!(
        code(elb(
            &mut sandbox,
            &format!("DeleteTargetGroup&TargetGroupArn={blue}")
        )),
        "ResourceInUse"
    );
    let (_, xml) = elb(
        &mut sandbox,
        "CreateLoadBalancer&Name=other&Subnets.member.1=subnet-1&Subnets.member.2=subnet-2",
    );
    let other = element(&xml, "LoadBalancerArn").to_owned();
    let share = format!(
        "CreateListener&LoadBalancerArn={other}&Port=80&Protocol=HTTP&DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={blue}"
    );
    assert_eq!(
        code(elb(&mut sandbox, &share)),
        "TargetGroupAssociationLimit"
    );
    assert_eq!(
        elb(
            &mut sandbox,
            &format!("DeleteListener&ListenerArn={listener}")
        )
        .0,
        200
    );
    assert_eq!(
        elb(
            &mut sandbox,
            &format!("DeleteTargetGroup&TargetGroupArn={blue}")
        )
        .0,
        200
    );
    assert_eq!(
        code(elb(
            &mut sandbox,
            &format!("DescribeTargetHealth&TargetGroupArn={blue}")
        )),
        "TargetGroupNotFound"
    );
}

#[test]
fn making_the_same_group_twice_is_one_group() {
    let mut sandbox = empty();
    let make = |port: u16| {
        format!("CreateTargetGroup&Name=web&Protocol=HTTP&Port={port}&VpcId=vpc-1&TargetType=ip")
    };
    let (_, first) = elb(&mut sandbox, &make(80));
    let (_, second) = elb(&mut sandbox, &make(80));
    assert_eq!(
        element(&first, "TargetGroupArn"),
        element(&second, "TargetGroupArn")
    );
    let (status, xml) = elb(&mut sandbox, &make(81));
    assert_eq!(
        (status, element(&xml, "Code")),
        (400, "DuplicateTargetGroupName")
    );
}

#[test]
fn pages_follow_their_markers() {
    let mut sandbox = empty();
    for name in ["a", "b", "c"] {
        elb(
            &mut sandbox,
            &format!(
                "CreateTargetGroup&Name={name}&Protocol=HTTP&Port=80&VpcId=vpc-1&TargetType=ip"
            ),
        );
    }
    let (_, first) = elb(&mut sandbox, "DescribeTargetGroups&PageSize=2");
    assert_eq!(first.matches("<TargetGroupArn>").count(), 2);
    let marker = element(&first, "NextMarker").to_owned();
    let (_, second) = elb(
        &mut sandbox,
        &format!("DescribeTargetGroups&PageSize=2&Marker={marker}"),
    );
    assert_eq!(second.matches("<TargetGroupArn>").count(), 1);
    assert!(!second.contains("NextMarker"));
    assert_eq!(
        elb(&mut sandbox, "DescribeTargetGroups&Marker=nowhere").0,
        400
    );
}

#[test]
fn attributes_are_known_ones_within_their_ranges() {
    let mut sandbox = empty();
    let (blue, _, _) = weighted(&mut sandbox);
    let mut put = |key: &str, value: &str| {
        elb(&mut sandbox, &format!("ModifyTargetGroupAttributes&TargetGroupArn={blue}&Attributes.member.1.Key={key}&Attributes.member.1.Value={value}")).0
    };
    assert_eq!(put("deregistration_delay.timeout_seconds", "10"), 200);
    assert_eq!(put("deregistration_delay.timeout_seconds", "3601"), 400);
    assert_eq!(put("slow_start.duration_seconds", "20"), 400);
    assert_eq!(put("no.such.key", "1"), 400);
    let (_, xml) = elb(
        &mut sandbox,
        &format!("DescribeTargetGroupAttributes&TargetGroupArn={blue}"),
    );
    assert!(
        xml.contains("<Key>deregistration_delay.timeout_seconds</Key><Value>10</Value>"),
        "{xml}"
    );
}

#[test]
fn a_target_that_is_not_registered_is_unused() {
    let mut sandbox = empty();
    let (blue, _, _) = weighted(&mut sandbox);
    let named = format!("TargetGroupArn={blue}&Targets.member.1.Id=10.0.0.1");
    let (_, xml) = elb(&mut sandbox, &format!("DescribeTargetHealth&{named}"));
    assert_eq!(
        (element(&xml, "State"), element(&xml, "Reason")),
        ("unused", "Target.NotRegistered")
    );
    assert_eq!(
        elb(&mut sandbox, &format!("RegisterTargets&{named}")).0,
        200
    );
    let (_, xml) = elb(
        &mut sandbox,
        &format!("DescribeTargetHealth&TargetGroupArn={blue}"),
    );
    assert_eq!(
        (element(&xml, "State"), element(&xml, "HealthCheckPort")),
        ("initial", "80")
    );
    assert_eq!(
        elb(
            &mut sandbox,
            &format!("RegisterTargets&TargetGroupArn={blue}&Targets.member.1.Id=web")
        )
        .0,
        400
    );
}

#[test]
fn a_load_balancer_is_provisioned_before_it_is_active() {
    let mut sandbox = empty();
    weighted(&mut sandbox);
    let state = |sandbox: &mut Sandbox| {
        element(&elb(sandbox, "DescribeLoadBalancers").1, "Code").to_owned()
    };
    assert_eq!(state(&mut sandbox), "provisioning");
    sandbox.advance(Time::DEFAULT_START + Duration::from_secs(120));
    assert_eq!(state(&mut sandbox), "active");
}
