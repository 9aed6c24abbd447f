"""Recorded times as people read them: in the window's zone, with UTC beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from hippolyte.clock import zone_of
from hippolyte.record_form import when


@dataclass(frozen=True, slots=True)
class Times:
    """Tells times in a zone, whose `name` is empty if it is UTC."""

    zone: tzinfo = UTC
    name: str = ""

    @classmethod
    def of(cls, name: str) -> Times:
        """Tell them in the zone of an IANA name; in UTC if this machine does not know it."""
        zone = zone_of(name)
        return cls() if zone is UTC else cls(zone, name)

    def local(self, text: str) -> datetime:
        """Return a recorded time in the zone."""
        return when(text).astimezone(self.zone)

    def clock(self, text: str) -> str:
        """Return a recorded time as `02:05`, or `02:05 (00:05 UTC)`."""
        utc = when(text).astimezone(UTC)
        return f"{self.local(text):%H:%M} ({utc:%H:%M} UTC)" if self.name else f"{utc:%H:%M} UTC"

    def short(self, text: str) -> str:
        """Return a recorded time for a column that says `(UTC)`: `02:05 (00:05)`."""
        return self.clock(text).replace(" UTC", "")

    def between(self, begin: str, end: str | None) -> str:
        """Return two recorded times: `02:05 to 03:00 (00:05 to 01:00 UTC)`; no end is a `?`."""
        first, last = when(begin).astimezone(UTC), when(end).astimezone(UTC) if end else None
        utc = f"{first:%H:%M} to {f'{last:%H:%M}' if last else '?'} UTC"
        if not self.name:
            return utc
        until = f"{self.local(end):%H:%M}" if end else "?"
        return f"{self.local(begin):%H:%M} to {until} ({utc})"

    def day(self, text: str) -> str:
        """Return a recorded time as `24 Nov 2026`, of the zone."""
        local = self.local(text)
        return f"{local.day} {local:%b %Y}"

    def moment(self, text: str) -> str:
        """Return a recorded time with its day: `24 Nov 2026, 02:05 (00:05 UTC)`."""
        return f"{self.day(text)}, {self.clock(text)}"

    def span(self, begin: str, end: str) -> str:
        """Return the time between two: `24 Nov 2026, 01:00 to 08:00 Europe/Berlin (... UTC)`."""
        first, last = when(begin).astimezone(UTC), when(end).astimezone(UTC)
        utc = f"{first:%H:%M} to {last:%H:%M} UTC"
        day, until = self.day(begin), self.local(end)
        later = "" if until.date() == self.local(begin).date() else f"{self.day(end)}, "
        if not self.name:
            return f"{day}, {first:%H:%M} to {later}{last:%H:%M} UTC"
        return f"{day}, {self.local(begin):%H:%M} to {later}{until:%H:%M} {self.name} ({utc})"
