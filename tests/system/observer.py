"""A queue of the tests' own on the topics of events, which receives every event."""

import json
from typing import Any
from uuid import uuid4

from tools.stack import Stack

USERS_TOPIC, TOPIC = "UserEventsTopic", "DomainEventsTopic"


def topic_of(stack: Stack, event_type: str) -> str:
    """The topic (its ARN) on which events of this type travel."""
    return stack.resource(USERS_TOPIC if event_type.startswith("user.") else TOPIC)


class Observer:
    """Listens from its making until `close`."""

    def __init__(self, stack: Stack) -> None:
        self._sqs, self._sns = stack.client("sqs"), stack.client("sns")
        self._queue = self._sqs.create_queue(QueueName=f"observer-{uuid4().hex[:8]}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        topics = [stack.resource(name) for name in (TOPIC, USERS_TOPIC)]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topics}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        self._subscriptions = [
            self._sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=arn,
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )["SubscriptionArn"]
            for topic in topics
        ]
        self.subscription = self._subscriptions[0]
        """The subscription to the topic of all events but those about users."""

    def events(self, *, also_by_hand: bool = False) -> list[dict[str, Any]]:
        """The relays' events that no call has returned yet; `also_by_hand` adds what a test published.

        A relay puts a correlation id beside the body of an event, and a test does not.
        """
        received: list[dict[str, Any]] = []
        while messages := self._sqs.receive_message(
            QueueUrl=self._queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,  # asks all of a queue's servers, so an empty answer means empty
            MessageAttributeNames=["All"],
        ).get("Messages"):
            received += [
                json.loads(message["Body"])
                for message in messages
                if also_by_hand or "correlation_id" in message.get("MessageAttributes", {})
            ]
            self._sqs.delete_message_batch(
                QueueUrl=self._queue,
                Entries=[
                    {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
                    for position, message in enumerate(messages)
                ],
            )
        return received

    def close(self) -> None:
        """Stops listening."""
        for subscription in self._subscriptions:
            self._sns.unsubscribe(SubscriptionArn=subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)
