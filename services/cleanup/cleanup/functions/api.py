"""The cleanup's API, for admins: the dead letters of all services, and their redrive."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from cleanup.dependencies import dead_letter_box
from cleanup.domain.dead_letters import NotRedrivable, UnknownQueue, groups_of
from cleanup.functions.redrive_requests import RedriveRequest
from cleanup.functions.views import (
    DeadLetterQueues,
    DeadLetters,
    GroupView,
    QueueView,
    Redrive,
)
from shared.access import Access, Whose
from shared.api import api_handler, api_resolver, contract
from shared.audit_trail import EVERYBODY, record_access
from shared.clock import timestamp, utc_now
from shared.observability import count, logger
from shared.text import Form

MOST_AT_ONCE = 100
"""So many messages one request looks at, or sends again."""

app = api_resolver()

QueueName = Annotated[
    str,
    Path(description="The name of a consumer, as the list of queues has it", examples=["OrdersErase"]),
    Form(r"^[A-Za-z]{1,64}$", "Use a name of the list of queues"),
]


@app.get("/dead-letters", **contract(Access.ADMIN, tag="cleanup", whose=Whose.SHOP))
def list_dead_letter_queues() -> DeadLetterQueues:
    """Lists the dead-letter queues of all services, and how many messages wait in each."""
    box = dead_letter_box()
    return DeadLetterQueues(queues=[QueueView.of(queue, box.count(queue)) for queue in box.queues])


@app.get(
    "/dead-letters/<queue>",
    **contract(Access.ADMIN, tag="cleanup", whose=Whose.EVERYBODY, raises=(UnknownQueue,)),
)
def read_dead_letters(queue: QueueName) -> DeadLetters:
    """Shows the messages of one queue, grouped by type and reason. They stay where they are."""
    box = dead_letter_box()
    found = box.find(queue)
    record_access(app, {EVERYBODY: [queue]})
    # A message that comes during the inspection belongs to the next one.
    as_of = utc_now()
    letters = box.inspect(found, MOST_AT_ONCE)
    return DeadLetters(
        queue=queue,
        waiting=max(box.count(found), len(letters)),
        inspected=len(letters),
        redrivable=found.source is not None,
        as_of=timestamp(as_of),
        groups=[GroupView.of(group) for group in groups_of(letters)],
    )


@app.post(
    "/dead-letters/<queue>/redrive",
    **contract(Access.ADMIN, tag="cleanup", whose=Whose.EVERYBODY, raises=(UnknownQueue, NotRedrivable)),
)
def redrive_dead_letters(queue: QueueName, request: RedriveRequest) -> Redrive:
    """Sends messages of one queue to its consumer again: up to 100 that waited at a moment.

    A repeat sends none that came back meanwhile. Consumers recognise a message that they have handled.
    """
    box = dead_letter_box()
    found = box.find(queue)
    record_access(app, {EVERYBODY: [queue]})
    sent = box.redrive(found, request.before, MOST_AT_ONCE)
    logger.info("dead letters redriven", queue=queue, sent=sent)
    count("DeadLettersRedriven", sent)
    return Redrive(queue=queue, sent=sent, waiting=box.count(found))


handler = api_handler(app, calls=["sqs", "dynamodb"])
