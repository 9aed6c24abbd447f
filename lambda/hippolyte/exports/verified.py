"""`verified` in a catalogue's entry: which levels a backup has passed, when, and who looked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hippolyte.errors import ConflictError
from hippolyte.exports.findings import PLAUSIBLE, Checked, Expected, level_of
from hippolyte.store import Store

# findings that an entry keeps; the report and the command have more
MOST_DAMAGE = 5
# an entry that somebody else writes at the same moment is looked at again
_TRIES = 4


def expected(entry: Mapping[str, Any]) -> Expected:
    """Return what an entry says of its backup; those of older versions say less."""
    return Expected(
        files=entry.get("files"),
        bytes=entry.get("bytes"),
        items=entry.get("items"),
        manifest_md5=entry.get("manifest_md5"),
        files_md5=entry.get("files_md5"),
        table_id=(entry.get("definition") or {}).get("TableId"),
    )


def verified(levels: tuple[int, ...], at: str, by: str) -> dict[str, Any]:
    """Return the member as it is written. `by`: `night` or `command`; `at`: ISO text."""
    return {"level": level_of(levels), "levels": list(levels), "at": at, "by": by}


def merged(
    before: Mapping[str, Any] | None, checked: Checked, at: str, by: str
) -> dict[str, Any] | None:
    """Return the member after a check; None: as it is it says more.

    What was compared at night stays so. A level that was passed is taken away by damage only, and
    damage only by a level that was not passed for it.
    """
    earlier = tuple((before or {}).get("levels", (1,)))
    damage = (before or {}).get("damage")
    known = checked.findings or damage
    if not checked.findings and checked.level < level_of(earlier) + bool(damage):
        return None
    kept = {level for level in earlier if level == PLAUSIBLE or not known}
    after = verified(tuple(sorted(kept | set(checked.levels))), at, by)
    if checked.findings:
        after["damage"] = [str(finding) for finding in checked.findings[:MOST_DAMAGE]]
    return after


def record(store: Store, key: str, location: str, checked: Checked, at: str, by: str) -> str:
    """Write into a catalogue's entry what a check came to; return why not, or nothing.

    Args:
        store: of the catalogue.
        key: of the entry.
        location: of the backup that was looked at: the entry must still be of it.
        checked: what it came to.
        at: when, ISO text.
        by: `night` or `command`.
    """
    for _ in range(_TRIES):
        found = store.read(key)
        if found is None or found[0].get("location") != location:
            return "the catalogue's entry is gone, or of another backup by now"
        entry = {name: value for name, value in found[0].items() if name != "nonce"}
        after = merged(entry.get("verified"), checked, at, by)
        if after is None:
            return ""
        try:
            store.replace(key, entry | {"verified": after}, found[1])
        except ConflictError:
            continue
        return ""
    return "others write the catalogue's entry all the time"
