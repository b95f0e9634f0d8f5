"""The steps of the order saga: their typed input, and the handler with its logs and metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.money import Money
from shared.observability import entry_point
from shared.record import About, Personal, Record
from shared.steps import UnknownStep, performed
from shared.text import COUNTRY


class SagaLine(Record):
    """One line of the order: a product, how many, and the price of one, as placed."""

    sku: Annotated[str, About(examples=["TEA-ASSAM-100"])]
    quantity: Annotated[int, About(ge=1, examples=[2])]
    unit_price: Money


class ShippingAddress(Record):
    """Where the parcel goes."""

    name: Annotated[str, About(examples=["Ada Example"]), Personal.NAME]
    line1: Annotated[str, About(examples=["Beispielweg 1"]), Personal.POSTAL_ADDRESS]
    line2: Annotated[str | None, Personal.POSTAL_ADDRESS] = None
    city: Annotated[str, About(examples=["Berlin"]), Personal.POSTAL_ADDRESS]
    postal_code: Annotated[str, About(examples=["10115"]), Personal.POSTAL_ADDRESS]
    country: Annotated[str, About(description="ISO 3166-1 alpha-2 code", examples=["DE"]), COUNTRY]


class SagaOrder(Record):
    """The order as its state machines carry it. What it lacks, its address and its payment token, is in its record."""

    order_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    customer_id: Annotated[str, About(examples=["0b9f2a9e-5d53-4c43-9a3c-2f6f4b1c7d10"]), Personal.ACCOUNT_ID]
    correlation_id: Annotated[str, About(examples=["2f0c1b6e-3f0d-4d2c-9f5a-8b1f6f0a7c33"])]
    lines: list[SagaLine]
    total: Money
    execution: Annotated[
        str | None, About(description="The name of the execution that carries the order")
    ] = None


class StepInput(Record):
    """The input of a step."""

    order: SagaOrder


class CaughtError(Record):
    """An error as a state's Catch records it: its name and its cause."""

    Error: str
    Cause: str = ""

    @property
    def name(self) -> str:
        """The name of the error's class."""
        return self.Error

    @property
    def cause(self) -> str:
        """What Lambda says about it, mostly as JSON."""
        return self.Cause


@dataclass(frozen=True)
class Step[Input: StepInput]:
    """One step of a function: the input that its state passes, and the work."""

    takes: type[Input]
    perform: Callable[[Input], dict[str, Any]]


def order_step(perform: Callable[[SagaOrder], dict[str, Any]]) -> Step[StepInput]:
    """A step that needs the order alone."""
    return Step(StepInput, lambda given: perform(given.order))


def steps_handler(
    steps: Mapping[str, Step[Any]],
) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler of a service's steps, by name; the state says in `step` which of them it wants.

    The state machine retries and catches by the name of the exception's class, so a step raises one class for each way
    it can fail. The step's result becomes the state's result. Raises UnknownStep.
    """

    @entry_point
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        name = str(event.get("step"))
        if name not in steps:
            raise UnknownStep(f"{name!r} is none of {', '.join(steps)}")
        step = steps[name]
        given = step.takes.model_validate(event)
        order = given.order
        return performed(
            lambda: step.perform(given),
            cause=f"{order.execution or order.order_id}/{name}",
            correlation_id=order.correlation_id,
            order_id=order.order_id,
            execution=order.execution,
            step=name,
        )

    return handler
