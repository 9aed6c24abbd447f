"""DynamoDBExport's command line and the two ways it refuses to go on."""

from __future__ import annotations

import math
from dataclasses import dataclass

DEFAULT_RATIO = 0.5


class UsageError(Exception):
    """When the tool prints its usage and exits with -1."""


class ToolError(Exception):
    """When the tool ends with an exception, of a Java class."""

    def __init__(self, java_class: str, message: str, reason: str = "Unknown Error.") -> None:
        super().__init__(message)
        self.java_class = java_class
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Arguments:
    """The tool's command line."""

    options: dict[str, str]
    output: str
    table: str
    ratio: float
    segments: int | None

    def region(self, own: str) -> str:
        """Return the table's region in the tool's own order; `own` is the node's."""
        return self.options.get("dynamodb.region") or self.options.get("dynamodb.regionid") or own

    @property
    def suffix(self) -> str:
        """The data files' suffix; Hadoop's default codec is zlib, named `.deflate` (seen, 6.1)."""
        if self.options.get("mapreduce.output.fileoutputformat.compress") != "true":
            return ""
        codec = self.options.get("mapreduce.output.fileoutputformat.compress.codec", "")
        return ".gz" if codec.endswith(".GzipCodec") else ".deflate"


def parse(args: tuple[str, ...]) -> Arguments:
    """Parse what follows the class: generic options, output, table, [ratio, [segments]]."""
    options, rest = {}, list(args)
    while rest and rest[0].startswith("-D"):
        option = rest.pop(0)[2:] or (rest.pop(0) if rest else "")
        name, _, value = option.partition("=")
        options[name] = value
    if not 2 <= len(rest) <= 4:
        raise UsageError("Usage: DynamoDBExport <path> <table-name> [<read-ratio>] [<segments>]")
    try:
        ratio = float(rest[2]) if len(rest) > 2 else DEFAULT_RATIO
        segments = int(rest[3]) if len(rest) > 3 else None
    except ValueError as error:
        raise UsageError(f"NumberFormatException: {error}") from None
    if not ratio > 0 or not math.isfinite(ratio):
        raise ToolError("java.lang.RuntimeException", f"Invalid read ratio {rest[2]}: not above 0")
    return Arguments(options, rest[0].rstrip("/"), rest[1], ratio, segments)
