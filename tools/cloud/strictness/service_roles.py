"""Services that act with a role ask IAM, as on AWS; MiniStack asks for none of it. Always on.

- Lambda reads a function's queue or stream with the function's role. Without a right it reads nothing.
- Step Functions invokes functions with the state machine's role. Without the right the task fails.
- EventBridge starts an execution with the role of the rule's target. Without the right nothing starts.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
https://docs.aws.amazon.com/step-functions/latest/dg/lambda-iam.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-iam-roles.html
"""

import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core import iam_evaluator, responses  # type: ignore[import-not-found]
from ministack.services import eventbridge, iam, lambda_svc, stepfunctions  # type: ignore[import-not-found]

_READING = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": (
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ),
}
# Lambda looks at each event source many times a second.
_READ_SECONDS = 1.0
# A request to IAM makes all answers void. What else changes a policy, as a deployment does, counts after so long.
_ANSWERED_SECONDS = 5.0

_read: dict[tuple[str, str], tuple[float, bool]] = {}
_answers: dict[tuple[str, str, str], tuple[float, bool]] = {}
# The state machine whose execution runs here, and its role.
_machine: ContextVar[tuple[str, str] | None] = ContextVar("machine", default=None)


def install() -> None:
    """Puts the question before each of the three."""
    _forget_on_changes()
    _ask_for_event_sources()
    _ask_for_tasks()
    _ask_for_targets()


def is_allowed(role_arn: str, action: str, resource: str, keys: dict[str, Any], policies: Any = None) -> bool:
    """Whether the role may do that, with the request's condition keys; by `policies` instead of its own if given."""
    account = responses.get_account_id()
    name = role_arn.rpartition("/")[2]
    parsed = (
        iam_evaluator._gather_role_policies(name, account)
        if policies is None
        else [iam_evaluator.parse_policy_document(policy) for policy in policies]
    )
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=responses.get_region(),
        service_context={key.lower(): value for key, value in keys.items()},
    )
    result = iam_evaluator.evaluate(context, parsed)
    service = action.partition(":")[0]
    if found := iam_evaluator._resource_policy(service, resource):
        required = service in iam_evaluator._POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(result, context, *found, required=required)
    return bool(result.decision == "Allow")


def ask(_name: str, role_arn: str, action: str, resource: str) -> bool:
    """Whether the function, state machine or rule of that name may do that; `permission_record` listens."""
    answers, question = _answers, (role_arn, action, resource)
    until, allowed = answers.get(question, (0.0, False))
    if time.monotonic() > until:
        allowed = is_allowed(*question, {})
        answers[question] = (time.monotonic() + _ANSWERED_SECONDS, allowed)
    return allowed


def _forget_on_changes() -> None:
    handle = iam.handle_request

    async def handle_request(*request: Any) -> Any:
        global _answers  # noqa: PLW0603 - a question that is being answered goes to the void ones
        try:
            return await handle(*request)
        finally:
            _answers = {}

    iam.handle_request = handle_request


def _ask_for_event_sources() -> None:
    every = lambda_svc._iter_all_esms

    def readable() -> Iterator[Any]:
        for account, region, mapping in every():
            function, _ = lambda_svc._get_func_record_for_qualifier(
                mapping["FunctionName"], mapping.get("Qualifier")
            )
            if function is None or _may_read(function["config"], mapping["EventSourceArn"]):
                yield account, region, mapping

    lambda_svc._iter_all_esms = readable


def _may_read(function: dict[str, Any], source: str) -> bool:
    known = (function["FunctionName"], source)
    until, allowed = _read.get(known, (0.0, False))
    if time.monotonic() > until:
        answers = [
            ask(function["FunctionName"], function["Role"], action, source)
            for action in _READING.get(source.split(":")[2], ())
        ]
        allowed = all(answers)
        _read[known] = (time.monotonic() + _READ_SECONDS, allowed)
    return allowed


def _ask_for_tasks() -> None:
    run, call = stepfunctions._run_execution, stepfunctions._call_lambda

    def run_execution(execution_arn: str) -> Any:
        execution = stepfunctions._executions.get(execution_arn) or {}
        arn = execution.get("stateMachineArn", "")
        role = (stepfunctions._state_machines.get(arn) or {}).get("roleArn", "")
        token = _machine.set((arn, role))
        try:
            return run(execution_arn)
        finally:
            _machine.reset(token)

    def call_lambda(function: str, event: Any) -> Any:
        if (machine := _machine.get()) and not ask(*machine, "lambda:InvokeFunction", _arn_of(function)):
            cause = f"{machine[1]} is not authorized to perform: lambda:InvokeFunction on {function}"
            raise stepfunctions._ExecutionError("Lambda.AWSLambdaException", cause)
        return call(function, event)

    stepfunctions._run_execution = run_execution
    stepfunctions._call_lambda = call_lambda


def _arn_of(function: str) -> str:
    _, configuration, name = lambda_svc._get_func_record_for_ref(function)
    return str((configuration or {}).get("FunctionArn") or name)


def _ask_for_targets() -> None:
    invoke = eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], *more: Any) -> Any:
        role, arn = target.get("RoleArn"), target.get("Arn", "")
        if role and ":states:" in arn and not ask(rule["Name"], role, "states:StartExecution", arn):
            return None
        return invoke(target, event, rule, *more)

    eventbridge._invoke_target = invoke_target
