"""SNS messages with the virtual time they were published at, and a look into SQS queues."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, cast

from moto.sns.models import SNSBackend, Subscription, Topic, sns_backends
from moto.sqs.models import Queue, sqs_backends

from local.core.patching import Patches

if TYPE_CHECKING:
    from local.core.aws import Aws

_patches = Patches()


def published(topic_arn: str) -> list[dict[str, Any]]:
    """Return a topic's messages, oldest first: subject, message, at (virtual time)."""
    account, region = topic_arn.split(":")[4], topic_arn.split(":")[3]
    topic = sns_backends[account][region].topics.get(topic_arn)
    if topic is None:
        return []
    sent = zip(topic.sent_notifications, getattr(topic, "local_sent_at", []), strict=True)
    return [
        {"subject": subject, "message": message, "at": at}
        for (_, message, subject, _, _), at in sent
    ]


def _queue(queue_arn: str) -> Queue:
    _, _, _, region, account, name = queue_arn.split(":")
    return sqs_backends[account][region].get_queue(name)


def send(queue_arn: str, body: str, attributes: dict[str, str] | None = None) -> None:
    """Put a message into a queue, as another AWS service does."""
    queue = _queue(queue_arn)
    typed = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in (attributes or {}).items()
    }
    backend = sqs_backends[queue.account_id][queue.region]
    backend.send_message(queue.name, body, message_attributes=typed)


def publish(topic_arn: str, message: str, subject: str | None = None) -> None:
    """Publish to a topic, as another AWS service does."""
    account, region = topic_arn.split(":")[4], topic_arn.split(":")[3]
    sns_backends[account][region].topics[topic_arn].publish(message, subject=subject)


def waiting(queue_arn: str) -> list[Any]:
    """Return the bodies in a queue, JSON decoded where it is JSON, without receiving them."""
    return [_decoded(message.body) for message in _queue(queue_arn)._messages]


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def confirm(topic_arn: str, endpoint: str) -> None:
    """Confirm a subscription, as the person with that address does by a link."""
    account, region = topic_arn.split(":")[4], topic_arn.split(":")[3]
    for subscription in sns_backends[account][region].subscriptions.values():
        if (subscription.topic.arn, subscription.endpoint) == (topic_arn, endpoint):
            subscription.confirmed = True


def _waits(subscription: Subscription) -> bool:
    by_link = subscription.protocol.startswith(("email", "http"))
    return by_link and not subscription.confirmed


def _listed(subscription: Subscription) -> Subscription:
    """SNS shows no ARN of an address that is not confirmed yet (API reference, Subscription)."""
    if not _waits(subscription):
        return subscription
    shown = copy.copy(subscription)
    shown.arn = "PendingConfirmation"
    return shown


def install(world: Aws) -> None:
    """Record when each message is published, and show which subscriptions wait, and how many."""

    def subscriptions(backend: SNSBackend, *args: Any, **kwargs: Any) -> Any:
        found, token = listed(backend, *args, **kwargs)
        return [_listed(each) for each in found], token

    def publish(topic: Any, *args: Any, **kwargs: Any) -> str:
        message_id = cast(str, original(topic, *args, **kwargs))
        topic.__dict__.setdefault("local_sent_at", []).append(world.clock.now())
        return message_id

    def topic(backend: SNSBackend, *args: Any, **kwargs: Any) -> Topic:
        found = cast(Topic, looked_up(backend, *args, **kwargs))
        waiting = [_waits(s) for s in backend.subscriptions.values() if s.topic is found]
        found.subscriptions_pending = sum(waiting)
        found.subscriptions_confimed = len(waiting) - sum(waiting)
        return found

    looked_up = _patches.set(SNSBackend, "get_topic", topic)
    original = _patches.set(Topic, "publish", publish)
    listed = _patches.set(SNSBackend, "list_subscriptions_by_topic", subscriptions)


def uninstall() -> None:
    """Put moto's own publishing back."""
    _patches.undo()
