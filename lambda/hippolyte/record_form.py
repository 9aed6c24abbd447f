"""The form of the records on S3: their version, their times, and what is refused as unknown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from hippolyte.errors import ConfigurationError

# the records' form; a reader refuses what a newer version wrote
VERSION = 1


def iso(moment: datetime) -> str:
    """Return `moment` as the records write it: UTC, whole seconds, `2026-11-24T00:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(text: str) -> datetime:
    """Parse a time as `iso` writes it; fractions and offsets are accepted, a missing zone is UTC.

    Raises:
        ConfigurationError: the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is not a time like 2026-11-24T00:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def known_form(what: str) -> Iterator[None]:
    """Refuse a record whose fields do not fit, in words.

    A field may be added within a VERSION if it has a default: older records are read with it. A
    field or value that is not known is of a later package, which alone knows what it means.

    Raises:
        ConfigurationError: the record has another form.
    """
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        # a name in it may be half a letter, which no log takes
        said = str(error).encode(errors="backslashreplace").decode()
        raise ConfigurationError(
            f"{what} has a form that this version does not know ({said}): another version wrote "
            "it, deploy that version again; or it is damaged, restore its former version"
        ) from error
