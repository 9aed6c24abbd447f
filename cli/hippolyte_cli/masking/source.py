"""A table that is scanned by a map: what is written of it is not what the service answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hippolyte.exports.lines import Item, text_of
from hippolyte.scan.cutting import ScanError
from hippolyte.scan.datafile import as_the_sdk
from hippolyte.scan.reading import Page
from hippolyte.scan.table import Look, Source
from hippolyte_cli.masking.change import Change, NotMappedError
from hippolyte_cli.restore.values import MOST_ITEM_BYTES, item_bytes

AGAIN = "the map hashes the key, and a scan goes on after the last item that was written"
"""Why a scan by such a map cannot be gone on with."""


def engine_of(change: Change | None) -> str:
    """Return what an export's summary names as who scanned; it tells a copy from a backup."""
    return f"command, by a map ({change.of.digest})" if change else "command"


class ChangingSource:
    """A table whose items are changed as they are read; see `hippolyte.scan.table.Source`.

    A scan that finds its last file written by somebody, itself mostly, goes on after that file's
    last item. Where the key is hashed, the true one is known of each segment's last page alone.
    """

    def __init__(self, source: Source, change: Change, keys: tuple[str, ...]) -> None:
        self._source, self._change, self._keys = source, change, keys
        self._reached: dict[int, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}

    def look(self) -> Look:
        """Return what the table is now."""
        return self._source.look()

    def page(self, request: Mapping[str, Any]) -> Page:
        """Return a page of changed items.

        Raises:
            ScanError: an item cannot be changed, or it is not known where to go on; or as
                the source's.
        """
        segment = request["Segment"]
        if (start := request.get("ExclusiveStartKey")) and self._change.of.hashes_the_key:
            true, written = self._reached.get(segment, ({}, {}))
            if start not in (true, written):
                raise ScanError(f"{AGAIN}: begin again in an empty place")
            request = {**request, "ExclusiveStartKey": true}
        page = self._source.page(request)
        items = [self._changed(json.loads(item)) for item in page.items]
        if page.last_key and items:
            last = {name: as_the_sdk(*items[-1][name].items()) for name in self._keys}
            self._reached[segment] = (page.last_key, last)
        texts = [text_of(item) for item in items]
        return Page(texts, page.count, page.units, page.last_key, page.parsed)

    def _changed(self, item: Item) -> Item:
        try:
            changed = self._change(item)
        except NotMappedError as error:
            raise ScanError(f"the item {self._named(item)}: {error}") from error
        if (size := item_bytes(changed)) > MOST_ITEM_BYTES:
            raise ScanError(
                f"the item {self._named(item)} has {size:,} bytes after the map, DynamoDB takes "
                f"{MOST_ITEM_BYTES:,}: drop or replace what it hashes"
            )
        return changed

    def _named(self, item: Item) -> str:
        return json.dumps({name: item.get(name) for name in self._keys}, ensure_ascii=False)
