"""The documents: the commands they tell their readers to give, the numbers they say."""

from __future__ import annotations

import re

from tools.tf import REPOSITORY

PAGES = [
    *REPOSITORY.glob("*.md"),
    *REPOSITORY.glob("docs/*.md"),
    *REPOSITORY.glob("modules/*/*.md"),
    *REPOSITORY.glob("examples/*/*.md"),
]
# what was, stays as it was
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md"}
WORDS = [
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
]


def commands_of(document: str) -> list[str]:
    """Return the lines of the shell blocks of docs/`document`, without their remarks."""
    text = (REPOSITORY / "docs" / document).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]


def said(pattern: str, before: str = "") -> dict[str, int]:
    """Return the numbers that the documents say before a word, by where they say it."""
    count = re.compile(rf"\b{before}({'|'.join(WORDS)}|\d+) {pattern}", re.IGNORECASE)
    return {
        f"{page.relative_to(REPOSITORY)}:{found.start()} {found[0]}": (
            int(found[1]) if found[1].isdigit() else WORDS.index(found[1].lower()) + 1
        )
        for page, text in TEXTS.items()
        for found in count.finditer(text)
    }
