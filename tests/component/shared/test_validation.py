"""Wherever a validation error surfaces, it is without the values that it is about."""

import json
import traceback
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.access import Access
from shared.api import api_handler, api_resolver, contract
from shared.aws import client
from shared.consumer import NothingConsumed, message_handler
from shared.observability import entry_point, logger
from shared.relay import relay_handler
from shared.saga import SagaOrder, order_step, steps_handler
from shared.validation import pointer_to, reason_of, without_values, words_of
from tests.component.rest_events import rest_event
from tests.examples import example

SECRET = "Ada Secret"


class Address(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    name: str
    country: str


class Order(BaseModel):
    """The outermost model does not hide what the inner one hides."""

    shipping_address: Address


def invalid(_: Any = None) -> Any:
    return Order.model_validate({"shipping_address": {"name": SECRET}})


def wrapped(_: Any = None) -> Any:
    try:
        invalid()
    except ValidationError as error:
        raise RuntimeError("the order is lost") from error


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """The log."""
    stream = StringIO()
    before = logger.registered_handler.setStream(stream)  # type: ignore[attr-defined]
    yield stream
    logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


def message(body: str) -> dict[str, Any]:
    record = {
        "messageId": "m-1",
        "receiptHandle": "r",
        "body": body,
        "attributes": {},
        "eventSource": "aws:sqs",
    }
    return {"Records": [record | {"messageAttributes": {}}]}


def shown(error: BaseException) -> str:
    """What Lambda, its trace and a chain of tracebacks show of an exception."""
    return str(error) + repr(error) + "".join(traceback.format_exception(error))


def test_the_example_shows_its_value_without_this_module() -> None:
    with pytest.raises(ValidationError) as raised:
        invalid()
    assert SECRET in str(raised.value)


def test_an_error_keeps_its_class_its_places_and_its_words() -> None:
    with pytest.raises(ValidationError) as raised:
        invalid()
    reason = reason_of(raised.value)
    assert reason.startswith("ValidationError: 1 validation error for Order\nshipping_address.country\n")
    assert "Field required" in reason and SECRET not in reason


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (dict[str, int], {"a": SECRET}),
        (list[bool], [SECRET]),
        (Address, {"name": "x", "country": "y", "extra": [SECRET]} | {"country": [SECRET]}),
        (Order, {"shipping_address": SECRET}),
    ],
)
def test_neither_the_message_nor_the_faults_hold_the_value(form: Any, value: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(form).validate_python(value)
    hidden = without_values(raised.value)
    assert isinstance(hidden, ValidationError)
    assert SECRET not in shown(hidden) and SECRET not in str(hidden.errors())


def test_a_name_that_the_sender_chose_is_not_shown() -> None:
    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")

    with pytest.raises(ValidationError) as raised:
        Closed.model_validate({SECRET: 1})
    assert SECRET not in shown(without_values(raised.value))


def test_an_error_that_is_its_own_cause_stays_as_it_is() -> None:
    """As after `raise error from error`. The versioned table does that with an error that it does not know."""
    error = KeyError("unknown")
    error.__cause__ = error
    assert without_values(error) is error is error.__cause__


def test_no_words_show_a_pattern() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Annotated[str, Field(pattern="^[A-Z]{2}$")]).validate_python("x")
    assert "[A-Z]" in str(raised.value) and "[A-Z]" not in reason_of(raised.value)
    assert [words_of(fault) for fault in raised.value.errors()] == [
        "Input should have the form that is documented"
    ]


@pytest.mark.parametrize("fails", [invalid, wrapped])
def test_no_exception_leaves_a_function_with_a_value(fails: Callable[[], Any], lambda_context: Any) -> None:
    with pytest.raises((ValidationError, RuntimeError)) as raised:
        entry_point(lambda _event, _context: fails())({}, lambda_context)
    assert SECRET not in shown(raised.value)
    assert "country" in shown(raised.value)


@pytest.mark.parametrize("fails", [invalid, wrapped])
def test_no_logged_exception_shows_a_value(fails: Callable[[], Any], lines: StringIO) -> None:
    try:
        fails()
    except (ValidationError, RuntimeError):
        logger.exception("failed")
    assert "country" in lines.getvalue() and SECRET not in lines.getvalue()


@pytest.fixture
def letters(aws: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """Reads the dead letters' attributes."""
    url = client("sqs").create_queue(QueueName="letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", url)
    return lambda: [
        letter["MessageAttributes"]
        for letter in client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    ]


def test_no_dead_letters_reason_shows_a_value(
    letters: Callable[[], list[Any]], lines: StringIO, lambda_context: Any
) -> None:
    message_handler(invalid)(message("x"), lambda_context)
    [letter] = letters()
    assert "country" in letter["reason"]["StringValue"]
    assert SECRET not in json.dumps(letter) + lines.getvalue()


def test_a_message_that_is_delivered_again_shows_no_value(
    letters: Any, lines: StringIO, lambda_context: Any
) -> None:
    with pytest.raises(NothingConsumed) as raised:
        message_handler(wrapped)(message("x"), lambda_context)
    assert "the order is lost" in shown(raised.value)
    assert SECRET not in shown(raised.value) + lines.getvalue()


def test_a_dead_letter_that_cannot_be_stored_shows_no_value(
    letters: Any, lines: StringIO, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ClientError({"Error": {"Code": "Throttling", "Message": "busy"}}, "SendMessage")

    monkeypatch.setattr("shared.consumer.send_to_dlq", refuse)
    with pytest.raises(NothingConsumed, match="busy") as raised:
        message_handler(invalid)(message("x"), lambda_context)
    assert SECRET not in shown(raised.value) + lines.getvalue()


def test_a_step_tells_its_state_machine_no_value(lines: StringIO, lambda_context: Any) -> None:
    def fail(_: SagaOrder) -> dict[str, Any]:
        return dict(invalid())

    given = example("inventory_steps_reserve.json") | {"step": "fail"}
    with pytest.raises(ValidationError) as raised:
        steps_handler({"fail": order_step(fail)})(given, lambda_context)
    assert type(raised.value).__name__ == "ValidationError"
    assert "country" in lines.getvalue() and SECRET not in shown(raised.value) + lines.getvalue()


def test_a_relay_shows_no_value_of_an_outbox_that_it_cannot_read(
    letters: Callable[[], list[Any]], lines: StringIO, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:none")
    relay_handler("order", invalid)(example("orders_relay.json"), lambda_context)
    [letter, *_] = letters()
    assert "country" in letter["reason"]["StringValue"]
    assert SECRET not in json.dumps(letter) + lines.getvalue()


@pytest.fixture
def api() -> APIGatewayRestResolver:
    """An API whose stored data cannot be read, and one whose answer does not fit its schema."""
    app = api_resolver()

    @app.get("/stored", **contract(Access.ANYONE, tag="test"))
    def stored() -> dict[str, Any]:
        return dict(wrapped())

    @app.get("/answer", **contract(Access.ANYONE, tag="test"))
    def answer() -> Order:
        return {"shipping_address": {"name": SECRET}}  # type: ignore[return-value]

    return app


@pytest.mark.parametrize("path", ["/stored", "/answer"])
def test_an_api_shows_no_value_that_is_not_the_callers(
    api: APIGatewayRestResolver, path: str, lines: StringIO, lambda_context: Any
) -> None:
    answer = api_handler(api)(rest_event("GET", path), lambda_context)
    assert answer["statusCode"] == 500
    assert SECRET not in answer["body"] + lines.getvalue()
    assert "country" not in answer["body"] and "country" in lines.getvalue()


def test_a_pointer_escapes_what_has_a_meaning_in_it() -> None:
    assert pointer_to(("body", 0, "a/b", "~1", "")) == "/body/0/a~1b/~01/"
