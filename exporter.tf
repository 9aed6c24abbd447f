# The exporter's machine: a worker is an execution of it, which invokes the function link by link. Made with every engine, so
# that no change of engine ends what runs. It has no log of its own, which would want rights on all of the account's logs:
# Step Functions keeps an execution's history for 90 days, and the function has its log.

locals {
  # put together here, not taken from the resources, so that policies and settings are known at plan
  machine_arn = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name}-exporter"
  worker_arn  = "arn:${local.partition}:states:${local.region}:${local.account}:execution:${var.name}-exporter:*"

  link_seconds = 900

  exporter_settings = {
    machine_arn     = local.machine_arn
    timeout_seconds = local.link_seconds
    memory_size     = module.inputs.exporter.memory_size
    max_workers     = module.inputs.exporter.max_workers
  }
}

resource "aws_sfn_state_machine" "exporter" {
  #checkov:skip=CKV_AWS_284:nothing of ours starts a trace
  #checkov:skip=CKV_AWS_285:a log of the machine needs rights on all logs of the account; its history is kept, and the function logs
  name     = "${var.name}-exporter"
  role_arn = aws_iam_role.this["machine"].arn
  type     = "STANDARD"

  definition = templatefile("${path.module}/exporter.asl.json", {
    name            = var.name
    partition       = local.partition
    function_arn    = local.function_arns["exporter"]
    timeout_seconds = local.link_seconds + 60 # the function has ended by then
  })

  tags = local.tags

  # a worker that is started must find the function and be let at it
  depends_on = [aws_iam_role_policy.this, aws_lambda_function.this]
}
