# An ECS service whose releases ecsdeploy brings: Terraform makes it, and leaves the task definition to the pipeline.

resource "aws_ecs_service" "web" {
  name            = "web"
  cluster         = aws_ecs_cluster.main.id
  task_definition = aws_ecs_task_definition.first.arn
  desired_count   = 2
  launch_type     = "FARGATE"

  # What a release that crashes is caught by, even when nobody watches.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [aws_security_group.web.id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
    container_name   = "web"
    container_port   = 8080
  }

  lifecycle {
    # The task definition is the pipeline's, the count is autoscaling's.
    ignore_changes = [task_definition, desired_count]
  }
}

# The first revision only: a service cannot be made without one. ecsdeploy registers all that follow in this family.
resource "aws_ecs_task_definition" "first" {
  family                   = "web"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.web_execution.arn
  container_definitions = jsonencode([{
    name         = "web"
    image        = "public.ecr.aws/nginx/nginx:stable"
    essential    = true
    portMappings = [{ containerPort = 8080 }]
  }])

  lifecycle {
    ignore_changes = all
  }
}

# The role of the pipeline, assumed by OIDC.
data "aws_iam_policy_document" "deploy" {
  statement {
    actions   = ["ecs:DescribeServices", "ecs:UpdateService", "ecs:ListTasks", "ecs:DescribeTasks"]
    resources = ["*"]
    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [aws_ecs_cluster.main.arn]
    }
  }

  statement {
    actions = [
      "ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:ListServiceDeployments",
      "ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment", "ecs:DescribeServiceRevisions",
      "elasticloadbalancing:DescribeTargetHealth",
    ]
    resources = ["*"]
  }

  statement {
    actions   = ["ecr:DescribeImages"]
    resources = [aws_ecr_repository.web.arn]
  }

  statement {
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.web_execution.arn, aws_iam_role.web_task.arn]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  # The lock and the record of a rollout.
  statement {
    actions   = ["ssm:GetParameters", "ssm:PutParameter", "ssm:DeleteParameters"]
    resources = ["arn:aws:ssm:*:*:parameter/ecsdeploy/*"]
  }
}
