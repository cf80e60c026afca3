//! The inputs of the GitHub Action, in one table: action.yml declares them, the guide prints them, tests hold all three
//! together.

/// Whose input it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// amazon-ecs-deploy-task-definition
    Deploy,
    /// amazon-ecs-render-task-definition
    Render,
    /// Both of them.
    Both,
    /// New.
    Ours,
    /// Read by the step that installs the program, and by no command.
    Install,
}

/// One input.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    pub name: &'static str,
    pub of: Of,
    /// The option that it becomes, or what becomes of it.
    pub means: &'static str,
}

const fn input(name: &'static str, of: Of, means: &'static str) -> Input {
    Input { name, of, means }
}

/// All of them.
pub const INPUTS: [Input; 71] = [
    input(
        "subcommand",
        Of::Ours,
        "the command to run: plan, rollout, …; by default what the other inputs ask for",
    ),
    input(
        "config",
        Of::Ours,
        "the directory of ecsdeploy.yml, or the file",
    ),
    input("environment", Of::Ours, "`--env`"),
    input("region", Of::Ours, "`--region`"),
    input("values", Of::Ours, "`--values`, one a line"),
    input("set", Of::Ours, "`--set`, one a line"),
    input("cpu", Of::Ours, "`--cpu`"),
    input("memory", Of::Ours, "`--memory`"),
    input("keep-tags", Of::Ours, "`--keep-tags`"),
    input("strategy", Of::Ours, "`--strategy`"),
    input("canary", Of::Ours, "`--canary`"),
    input("weights", Of::Ours, "`--weights`"),
    input("bake", Of::Ours, "`--bake`"),
    input(
        "timeout",
        Of::Ours,
        "`--timeout`; wins over wait-for-minutes",
    ),
    input("on-cancel", Of::Ours, "`--on-cancel`"),
    input(
        "plan",
        Of::Ours,
        "the plan's file: `--out` of plan, `--plan` of rollout",
    ),
    input("exit-code", Of::Ours, "`--exit-code` of plan and diff"),
    input("args", Of::Ours, "further arguments, one a line"),
    input("comment", Of::Ours, "`--comment`"),
    input("commit-status", Of::Ours, "`--commit-status`"),
    input("deployment", Of::Ours, "`--deployment`"),
    input("environment-url", Of::Ours, "`--environment-url`"),
    input("pull-request", Of::Ours, "`--pull-request`"),
    input(
        "version",
        Of::Install,
        "the release to install; by default the action's own",
    ),
    input(
        "binary",
        Of::Install,
        "a program that is there already, instead of a release",
    ),
    input(
        "token",
        Of::Install,
        "downloads the release, verifies its attestation, reports; by default the job's",
    ),
    input(
        "task-definition",
        Of::Both,
        "`--task-definition`; a name that is no file is a family: `--revision`",
    ),
    input(
        "container-name",
        Of::Render,
        "`--container`, and the container of `--image`; several with commas",
    ),
    input(
        "image",
        Of::Render,
        "`--image`; without container-name, one `[CONTAINER=]REF` a line",
    ),
    input("task-definition-arn", Of::Render, "`--revision`"),
    input("task-definition-family", Of::Render, "`--revision`"),
    input(
        "task-definition-revision",
        Of::Render,
        "`--revision`, with the family",
    ),
    input(
        "environment-variables",
        Of::Render,
        "`--variable`, one a line",
    ),
    input(
        "secrets",
        Of::Render,
        "`--secret`, one a line; needs no environment-variables beside it",
    ),
    input("env-files", Of::Render, "`--variables-file`, one a line"),
    input(
        "docker-labels",
        Of::Render,
        "`--docker-label`, one a line; a value may hold `=`",
    ),
    input("command", Of::Render, "`--command`, a JSON list or words"),
    input("log-configuration-log-driver", Of::Render, "`--log-driver`"),
    input(
        "log-configuration-options",
        Of::Render,
        "`--log-option`, one a line; a value may hold `=`",
    ),
    input("task-role-arn", Of::Render, "`--task-role`"),
    input("execution-role-arn", Of::Render, "`--execution-role`"),
    input("service", Of::Deploy, "`--service`; the command is rollout"),
    input(
        "cluster",
        Of::Deploy,
        "`--cluster`; without ecsdeploy.yml `default`",
    ),
    input(
        "wait-for-service-stability",
        Of::Deploy,
        "`false` is `--detach`; unset, the verdict is waited for",
    ),
    input("wait-for-minutes", Of::Deploy, "`--timeout`"),
    input(
        "wait-max-delay-seconds",
        Of::Deploy,
        "not needed: looks are seconds apart",
    ),
    input(
        "max-retries",
        Of::Deploy,
        "not needed: calls are repeated within AWS's published rates",
    ),
    input(
        "keep-null-value-keys",
        Of::Deploy,
        "not needed: nothing that you wrote is dropped but null",
    ),
    input(
        "force-new-deployment",
        Of::Deploy,
        "`--force-new-deployment`",
    ),
    input("desired-count", Of::Deploy, "`--desired-count`"),
    input(
        "enable-ecs-managed-tags",
        Of::Deploy,
        "`enableECSManagedTags` in `--members`",
    ),
    input(
        "propagate-tags",
        Of::Deploy,
        "`propagateTags` in `--members`",
    ),
    input(
        "service-managed-ebs-volume-name",
        Of::Deploy,
        "`volumeConfigurations` in `--members`; nothing is sent without it",
    ),
    input(
        "service-managed-ebs-volume",
        Of::Deploy,
        "`volumeConfigurations`, of the volume named beside it",
    ),
    input("codedeploy-appspec", Of::Deploy, "`--codedeploy-appspec`"),
    input(
        "codedeploy-application",
        Of::Deploy,
        "`--codedeploy-application`",
    ),
    input(
        "codedeploy-deployment-group",
        Of::Deploy,
        "`--codedeploy-deployment-group`",
    ),
    input(
        "codedeploy-deployment-description",
        Of::Deploy,
        "not needed: the description names the rollout, by which it is taken up again",
    ),
    input(
        "codedeploy-deployment-config",
        Of::Deploy,
        "`--codedeploy-deployment-config`",
    ),
    input(
        "run-task",
        Of::Deploy,
        "`ecsdeploy run` before the rollout; a task that fails ends the job",
    ),
    input(
        "run-task-container-overrides",
        Of::Deploy,
        "`overrides` in `run --members`",
    ),
    input(
        "run-task-subnets",
        Of::Deploy,
        "`run --subnet`; by default the service's network",
    ),
    input(
        "run-task-security-groups",
        Of::Deploy,
        "`run --security-group`",
    ),
    input("run-task-assign-public-IP", Of::Deploy, "`run --public-ip`"),
    input("run-task-launch-type", Of::Deploy, "`run --launch-type`"),
    input(
        "run-task-capacity-provider-strategy",
        Of::Deploy,
        "`capacityProviderStrategy` in `run --members`",
    ),
    input(
        "run-task-started-by",
        Of::Deploy,
        "`startedBy` in `run --members`",
    ),
    input("run-task-tags", Of::Deploy, "`tags` in `run --members`"),
    input(
        "run-task-managed-ebs-volume-name",
        Of::Deploy,
        "`volumeConfigurations` in `run --members`",
    ),
    input(
        "run-task-managed-ebs-volume",
        Of::Deploy,
        "`volumeConfigurations`, of the volume named beside it",
    ),
    input(
        "wait-for-task-stopped",
        Of::Deploy,
        "waited for if `true`, else `run --no-wait`",
    ),
];
