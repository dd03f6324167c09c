"""What is sent to the services of the emulator that the fake has not, and how it is read there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.functional.clients import emulated
from tests.functional.definitions import REGION


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A topic and an event bus, each with a queue that gets what is sent there."""

    url: str
    topic: str
    bus: str
    queues: dict[str, str]

    def _messages(self, of: str) -> list[Any]:
        sqs = emulated(self.url, "sqs", REGION)
        found: list[Any] = []
        while True:
            answer = sqs.receive_message(QueueUrl=self.queues[of], MaxNumberOfMessages=10)
            if not (messages := answer.get("Messages", [])):
                return found
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queues[of], ReceiptHandle=message["ReceiptHandle"])

    def published(self) -> list[tuple[str, str]]:
        """The subject and the text of each message that the topic got since this was last asked."""
        return [(each["Subject"], each["Message"]) for each in self._messages("topic")]

    def events(self) -> list[Any]:
        """The events that the bus got since this was last asked."""
        return self._messages("bus")


def mailbox(url: str) -> Mailbox:
    """A new, empty one."""
    name = f"drift-{uuid4().hex[:12]}"
    sqs, sns, events = (emulated(url, service, REGION) for service in ("sqs", "sns", "events"))
    queues, arns = {}, {}
    for of in ("topic", "bus"):
        queues[of] = sqs.create_queue(QueueName=f"{name}-{of}")["QueueUrl"]
        arns[of] = sqs.get_queue_attributes(QueueUrl=queues[of], AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["topic"])
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["driftcheck"]}')
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arns["bus"]}])
    return Mailbox(url, topic, name, queues)
