"""Settings kept in parameters of SSM: Lambda's environment holds 4 KB, and no parameter more.

Terraform cuts the packed JSON of the settings (gzip, Base64) into the parameters `<path>/0`,
`<path>/1` and so on. The path ends with a hash of their content, so a set is never changed: another
takes its place.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import lru_cache

from hippolyte import clients
from hippolyte.errors import ConfigurationError

# no character of Base64: a parameter cannot be empty, and Terraform must know how many there are
# before it knows what is in them
FILLER = "-"
HASH_DIGITS = 16


@lru_cache(maxsize=2)
def text_at(path: str, region: str | None = None) -> str:
    """Return the JSON text of the settings kept below `path`; a process asks once for each path.

    Raises:
        ConfigurationError: the parameters are not there, or not all of them.
    """
    pages = clients.parameters(region).get_paginator("get_parameters_by_path").paginate(Path=path)
    found = {p["Name"].rpartition("/")[2]: p["Value"] for page in pages for p in page["Parameters"]}
    return joined(path, found)


def joined(path: str, found: dict[str, str]) -> str:
    """Return the text of a path's parameters, which are given by their numbers; errors as above."""
    numbers = sorted((n for n in found if n.isdigit()), key=int)
    content = "".join(found[number] for number in numbers).rstrip(FILLER)
    if hashlib.sha256(content.encode()).hexdigest()[:HASH_DIGITS] != path.rpartition("/")[2]:
        what = "not complete, or were changed" if found else "missing"
        raise ConfigurationError(
            f"the settings are kept in the SSM parameters {path}/0 and following, which are {what}"
            f" ({len(found)} found): Terraform writes them, apply the module again"
        )
    return gzip.decompress(base64.b64decode(content)).decode()
