"""The places in which something of a deployment may be open, on record outside all of them.

Runs and leases lie in a bucket, below a prefix. So that a change of either strands nothing, one SSM
parameter holds the places: a place is added before anything is opened in it, and taken out when
nothing is open there any more, and its last night cannot be delivered again. Terraform makes the
parameter, leaves its value to the functions, and reads it to let them at the places; the monitor
follows what is open there to its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from hippolyte.errors import ConfigurationError
from hippolyte.settings import Settings

if TYPE_CHECKING:
    from hippolyte.clients import Clients


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment's records and backups lie, as the settings of these names say it."""

    bucket: str
    prefix: str = ""
    bucket_region: str | None = None
    bucket_key: str | None = None
    sse_header: str | None = None
    sse_key_arn: str | None = None
    bucket_owner: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Place:
        """Return the place of a deployment's settings."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})

    def in_settings(self, settings: Settings) -> Settings:
        """Return the settings of a deployment as they would be in this place."""
        return replace(settings, **asdict(self))

    def by_same_clients(self, other: Place) -> bool:
        """Say whether both places are written to with the same clients."""
        said = ("bucket", "prefix", "bucket_key", "bucket_owner")
        return replace(self, **{name: getattr(other, name) for name in said}) == other

    @property
    def url(self) -> str:
        """The place's address: what makes it another place than others."""
        return f"s3://{self.bucket}/{self.prefix}"


class Places:
    """The record of a deployment's places; without a parameter (older modules) nothing is kept."""

    def __init__(self, clients: Clients, settings: Settings) -> None:
        self._clients = clients
        self._settings = settings
        # as last read or written, (name, places); None: not read
        self._known: tuple[str, tuple[Place, ...]] | None = None

    def read(self) -> tuple[Place, ...]:
        """Return the places on record.

        Raises:
            ConfigurationError: the record is none of this product.
        """
        name = self._settings.places_parameter
        if name is None:
            return ()
        value = self._clients.seldom("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        known = {field.name for field in fields(Place)}
        try:
            record = json.loads(value)
            places = tuple(
                Place(**{key: each[key] for key in known & each.keys()})
                for each in record["places"]
            )
            self._known = str(record["name"]), places
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"the SSM parameter {name} is not a record of places ({error!r}): put its former "
                "version back"
            ) from error
        return places

    def change(self, add: Iterable[Place] = (), drop: Iterable[Place] = ()) -> None:
        """Add and take out places; writes only what changes, and nothing if it was not read."""
        if self._known is None or self._changed(add, drop) == self._known:
            return
        self.read()  # the other function may have written meanwhile
        name, places = self._changed(add, drop)
        self._clients.seldom("ssm").put_parameter(
            Name=self._settings.places_parameter, Value=_text(name, places), Overwrite=True
        )
        self._known = name, places

    @property
    def empty(self) -> str:
        """The record of a deployment that has nothing open, as Terraform makes it."""
        return _text(self._settings.name, ())

    def _changed(
        self, add: Iterable[Place], drop: Iterable[Place]
    ) -> tuple[str, tuple[Place, ...]]:
        assert self._known is not None
        places = {place.url: place for place in self._known[1]}
        for place in drop:
            places.pop(place.url, None)
        for place in add:
            places[place.url] = place
        return self._settings.name, tuple(places.values())


def _text(name: str, places: Iterable[Place]) -> str:
    record = {"name": name, "places": [_short(place) for place in places]}
    return json.dumps(record, separators=(",", ":"))


def _short(place: Place) -> dict[str, str]:
    return {key: value for key, value in asdict(place).items() if value}
