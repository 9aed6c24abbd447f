"""Everything a table's restore needs beside its items, in the services' own words.

botocore parses an answer by the model it was packaged with and drops the members it does not know
without a word, so the body is kept as it was received.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from hippolyte.errors import passes

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from hippolyte.clients import Clients

# what the services say of a table that has none of what was asked for
_NONE = ("PolicyNotFoundException",)
# ResourceIds of DescribeScalableTargets holds at most 50
_RESOURCES_A_CALL = 50

OPERATIONS = (
    "DescribeTable",
    "DescribeTimeToLive",
    "DescribeContinuousBackups",
    "GetResourcePolicy",
    "ListTagsOfResource",
    "DescribeKinesisStreamingDestination",
    "DescribeContributorInsights",
    "DescribeScalableTargets",
    "DescribeScalingPolicies",
    "DescribeScheduledActions",
)
"""What is asked of each table; streams are in DescribeTable's answer."""


@dataclass(slots=True)
class TableSettings:
    """One table's settings: of each operation either its answers or why there are none.

    `answers` holds every page's and index's body, an empty list where the table has no such thing.
    `calls` counts what was asked. `again`: what is unread may be read by a later pass. `busy`: no
    more was asked of this table, since the service throttled or did not answer.
    """

    answers: dict[str, list[Any]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    again: bool = False
    busy: bool = False


def settings_of(clients: Clients, arn: str, definition: Mapping[str, Any]) -> TableSettings:
    """Read what a table of this ARN is set to; `definition` is DescribeTable's at the plan's time.

    Never raises for what a service answers. Each call is made once: what is throttled is left to
    the next pass, so that neither time nor the other calls' retries are spent here. The calls of
    a table follow each other and are of different operations, which keeps each below the 10 a
    second that ListTagsOfResource and DescribeContinuousBackups allow (their API references).
    """
    found, name = TableSettings(), arn.rsplit("/", 1)[-1]
    dynamodb, scaling = clients.dynamodb_once, clients.scaling_once
    (described,) = _ask(found, dynamodb, "DescribeTable", TableName=name) or [{}]
    table = described.get("Table", definition)
    if definition and table.get("TableId") != definition.get("TableId"):
        found.answers.clear()
        found.unread = dict.fromkeys(OPERATIONS, "another table has the name now")
        return found
    for operation in ("DescribeTimeToLive", "DescribeContinuousBackups"):
        _ask(found, dynamodb, operation, TableName=name)
    _ask(found, dynamodb, "GetResourcePolicy", ResourceArn=arn)
    _ask(found, dynamodb, "ListTagsOfResource", ResourceArn=arn)
    _ask(found, dynamodb, "DescribeKinesisStreamingDestination", TableName=name)
    indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
    _ask(found, dynamodb, "DescribeContributorInsights", TableName=name)
    for index in indexes:
        _ask(found, dynamodb, "DescribeContributorInsights", TableName=name, IndexName=index)
    _scaling(found, scaling, [f"table/{name}", *(f"table/{name}/index/{i}" for i in indexes)])
    return found


def _scaling(found: TableSettings, client: BaseClient, resources: list[str]) -> None:
    """Read the targets of a table and its indexes, then what only a target can have."""
    targets: list[Any] = []
    for first in range(0, len(resources), _RESOURCES_A_CALL):
        some = resources[first : first + _RESOURCES_A_CALL]
        asked = {"ServiceNamespace": "dynamodb", "ResourceIds": some}
        targets += _ask(found, client, "DescribeScalableTargets", **asked)
    scaled: Iterable[str] = resources
    if "DescribeScalableTargets" not in found.unread:
        scaled = dict.fromkeys(t["ResourceId"] for page in targets for t in page["ScalableTargets"])
    for operation in ("DescribeScalingPolicies", "DescribeScheduledActions"):
        found.answers.setdefault(operation, [])
        for resource in scaled:
            _ask(found, client, operation, ServiceNamespace="dynamodb", ResourceId=resource)


def _ask(found: TableSettings, client: Any, operation: str, **asked: Any) -> list[Any]:
    """Make a call, and those for its further pages; keep the answers, or why there is none."""
    answers = found.answers.setdefault(operation, [])
    if operation in found.unread:
        return []
    if found.busy:
        _leave(found, operation, "not asked any more in that pass")
        return []
    pages: list[Any] = []
    try:
        while True:
            found.calls += 1
            pages.append(received(client, operation, **asked))
            if not pages[-1].get("NextToken"):
                break
            asked["NextToken"] = pages[-1]["NextToken"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _NONE:
            return []
        throttled = passes(error) and error.response["ResponseMetadata"]["HTTPStatusCode"] < 500
        found.busy = found.busy or throttled
        found.again = found.again or passes(error)
        _leave(found, operation, str(error))
        return []
    except BotoCoreError as error:
        found.busy = found.again = True
        _leave(found, operation, str(error))
        return []
    except (AttributeError, ValueError) as error:
        # an SDK older than the operation; a body that is no JSON
        _leave(found, operation, f"{type(error).__name__}: {error}")
        return []
    answers += pages
    return pages


def _leave(found: TableSettings, operation: str, why: str) -> None:
    """Half of an operation's answers would read as all of them."""
    found.answers.pop(operation, None)
    found.unread.setdefault(operation, why)


def received(client: Any, operation: str, **asked: Any) -> Any:
    """Make a call and return the JSON of its answer as the service sent it.

    Raises:
        ClientError, BotoCoreError: as the call does.
        AttributeError: the SDK does not know the operation.
        ValueError: the answer is no JSON.
    """
    # registered once for each client: botocore looks its handlers up anew after a change of them
    client.meta.events.register("after-call", _keep_body, unique_id="hippolyte-body")
    answer = getattr(client, xform_name(operation))(**asked)
    return json.loads(answer["ResponseMetadata"]["Body"])


def _keep_body(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    """Keep an answer as it came, after the call's retries (botocore.client)."""
    parsed["ResponseMetadata"]["Body"] = http_response.content
