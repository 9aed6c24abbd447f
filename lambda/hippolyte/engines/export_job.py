"""What both engines tell AWS's exporter: its arguments, names, tags and the place of its logs."""

from __future__ import annotations

from hippolyte.engines.engine import Launch
from hippolyte.planning.sizing import ratio_text
from hippolyte.settings import Settings

# Data Pipeline's CreatePipeline takes 10. EMR's 50 less the one that its managed policies go by
_MOST_TAGS = {"datapipeline": 10, "emr": 49}
_EXPORT_CLASS = "org.apache.hadoop.dynamodb.tools.DynamoDBExport"


def export_id(number: int) -> str:
    """Return the component id of a batch's job; short, as instance ids append about 35 bytes."""
    return f"Export{number:03d}"


def job_number(component: str) -> int | None:
    """Return the job's number in an id like Export007, Table007 or Output007; None for others."""
    for kind in ("Export", "Table", "Output"):
        digits = component.removeprefix(kind)
        if digits != component and digits.isdigit():
            return int(digits)
    return None


def export_arguments(number: int, launch: Launch, settings: Settings) -> list[str]:
    """Return the class and the arguments of a job's export; its ratio must be known."""
    ratio = launch.ratios[number]
    assert ratio is not None, "a job without a ratio is not to be started yet"
    return [
        _EXPORT_CLASS,
        # a speculative copy would read twice the share and leave orphan files
        "-Dmapreduce.map.speculative=false",
        # else the tool falls back to us-east-1 when the instance's metadata fails
        f"-Ddynamodb.regionid={settings.region}",
        launch.outputs[number],
        launch.jobs[number].table,
        ratio_text(ratio),
    ]


def batch_name(launch: Launch, settings: Settings) -> str:
    """Return what a batch's pipeline or cluster is called, and found again by."""
    return f"{settings.name}-{settings.region}-{launch.run_id}-{launch.batch_id}"


def batch_tags(launch: Launch, settings: Settings, engine: str) -> dict[str, str]:
    """Return the tags of a batch's pipeline or cluster: ours, then the deployer's.

    Those are in the order of their keys; the last ones, if the service takes no more, are left out.
    """
    own = {"deployment": settings.name, "run": launch.run_id, "batch": launch.batch_id}
    tags = {f"hippolyte:{key}": value for key, value in own.items()}
    given = [(key, value) for key, value in sorted(settings.tags) if key not in tags]
    return tags | dict(given[: _MOST_TAGS[engine] - len(tags)])


def log_uri(settings: Settings) -> str:
    """Return where pipelines and clusters write their logs."""
    return f"s3://{settings.bucket}/{settings.place('logs', '')}"
