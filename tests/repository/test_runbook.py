"""What the documents count and name of Terraform is as it is there, and is said once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.core
import typer.main

from hippolyte.verdicts import Verdict
from hippolyte_cli.main import app
from tests.support.documents import TEXTS, WORDS, said
from tools import hcl
from tools.gen_docs import unquote, variables
from tools.tf import REPOSITORY

RUNBOOK = TEXTS[REPOSITORY / "docs" / "operations.md"]


def local(file: str, name: str) -> dict[str, object]:
    """Return the local value of a Terraform file, by the names of its keys."""
    source = (REPOSITORY / file).read_text(encoding="utf-8")
    (found,) = (block[name] for block in hcl.parsed(source)["locals"] if name in block)
    assert isinstance(found, dict)
    return {unquote(key): value for key, value in found.items()}


def always_there() -> set[str]:
    return {*local("monitoring.tf", "own_alarms"), *local("monitoring.tf", "service_alarms")}


def alarms() -> set[str]:
    return always_there() | set(local("monitoring.tf", "drill_alarms"))


def test_every_alarm_has_its_steps_in_the_runbook_and_no_other_has() -> None:
    headings = re.findall(r"^### Alarm (\S+)$", RUNBOOK, re.MULTILINE)

    assert len(headings) == len(set(headings))
    assert set(headings) == alarms()


def test_every_alarm_is_in_the_runbooks_table_and_no_other_is() -> None:
    (table,) = re.findall(r"^### Alarms$(.*?)^###? ", RUNBOOK, re.MULTILINE | re.DOTALL)

    assert set(re.findall(r"^\| `<name>-([a-z-]+)`", table, re.MULTILINE)) == alarms()


def boxes() -> list[tuple[str, str]]:
    (section,) = re.findall(r"^## Do this$(.*?)^## ", RUNBOOK, re.MULTILINE | re.DOTALL)
    return re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", section, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("heading", "text"), boxes(), ids=lambda value: value[:30])
def test_a_box_is_short_and_says_what_to_do_first(heading: str, text: str) -> None:
    assert text.lstrip().startswith("> **Do this:**"), heading
    assert len(re.findall(r"^> \d\. ", text, re.MULTILINE)) <= 5, heading


def test_numbers_of_alarms() -> None:
    found = said(r"(?:CloudWatch )?alarms\b")

    assert {place: n for place, n in found.items() if n != len(always_there())} == {}
    assert len(found) >= 2, "README.md and docs/costs.md say it"


def test_what_the_alarms_cost() -> None:
    costs = TEXTS[REPOSITORY / "docs" / "costs.md"]
    (count, price) = re.findall(r"^\| (\w+) alarms \| ([\d.]+) \|", costs, re.MULTILINE)[0]
    (each,) = re.findall(r"\balarm (0\.\d+)", costs)

    assert float(price) == pytest.approx((WORDS.index(count) + 1) * float(each))


def test_numbers_of_functions() -> None:
    found = said(r"Lambda functions\b")

    assert set(found.values()) == {len(local("functions.tf", "functions"))}


def default(name: str) -> str:
    (found,) = (v.default for v in variables(REPOSITORY) if v.name == name)
    assert found is not None
    return found


def test_numbers_of_days_that_defaults_say() -> None:
    """The pages' examples and comparisons reckon with the defaults, and name them so."""
    kept = {n for place, n in said("nights of").items() if "costs.md" in place}

    assert kept == {int(default("retention_days"))}
    for page, text in TEXTS.items():
        for value in re.findall(r"`retention_days` \(default[: ]+(\d+)", text):
            assert value == default("retention_days"), page


def test_how_long_the_default_window_is_and_what_share_is_taken() -> None:
    inputs = (REPOSITORY / "modules" / "inputs" / "variables.tf").read_text(encoding="utf-8")
    (start,) = re.findall(r'start\s+= optional\(string, "(\d\d):00"\)', inputs)
    (end,) = re.findall(r'end\s+= optional\(string, "(\d\d):00"\)', inputs)
    found = said(r"hours with the defaults?\b") | said(r"hours with the default memory")
    example = TEXTS[REPOSITORY / "docs" / "costs.md"]
    ((hours, share),) = re.findall(r"defaults \((\d+)-hour window, share (\d+) %\)", example)

    assert found
    assert {*found.values(), int(hours)} == {(int(end) - int(start)) % 24}
    assert share == default("consumed_percentage")


def test_the_defaults_that_the_pages_name_are_terraforms() -> None:
    """`name = value` (the default), and `name` (default: value), of a plain input."""
    plain = {v.name: v.default for v in variables(REPOSITORY) if v.default is not None}
    named = {}
    for page, text in TEXTS.items():
        for name, value in [
            *re.findall(r"`(\w+) = ([^`{}]+)` \(the default\)", text),
            *re.findall(r"`(\w+)` \(default:? `?([\w.\"]+)`?", text),
        ]:
            if name in plain:
                named[page.name, name] = (value.strip('"'), plain[name].strip('"'))

    assert len(named) >= 3
    assert {where: pair for where, pair in named.items() if pair[0] != pair[1]} == {}


def test_when_the_catch_up_comes() -> None:
    schedules = (REPOSITORY / "schedules.tf").read_text(encoding="utf-8")
    (delay,) = re.findall(r"catch_up_delay_minutes = (\d+)", schedules)
    found = said(r"minutes (?:later|after the window's start)")
    found = {place: n for place, n in found.items() if n > 60}

    assert len(found) >= 3
    assert set(found.values()) == {int(delay)}


def test_what_a_night_of_the_default_workers_reads() -> None:
    """Ten workers, of which one is kept for further attempts, at the plan's 10 MB/s."""
    inputs = (REPOSITORY / "modules" / "inputs" / "variables.engine.tf").read_text("utf-8")
    (workers,) = re.findall(r"max_workers = optional\(number, (\d+)\)", inputs)
    readme = TEXTS[REPOSITORY / "README.md"]
    (said_workers,) = re.findall(r"(\w+) with the defaults\.", readme)

    assert WORDS.index(said_workers) + 1 == int(workers) - 1


def anchors(text: str) -> set[str]:
    """Return what can be linked to in a page: its headings, as GitHub names them, and its ids."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^ {0,3}#+ +(.*?) *$", text, re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in titles)
    slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in plain}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", TEXTS[page], flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), target


def test_the_glossary_has_each_word_once_in_order() -> None:
    text = TEXTS[REPOSITORY / "docs" / "glossary.md"]
    words = re.findall(r'^\| <a id="([^"]+)"></a>([^|]+) \| .+ \|$', text, re.MULTILINE)

    assert len(words) == text.count("\n| ") - 1  # the table's head
    assert [word for _, word in words] == sorted({word for _, word in words})
    assert all(anchor == word.replace(" ", "-") for anchor, word in words)


def test_the_glossary_knows_every_verdict() -> None:
    text = TEXTS[REPOSITORY / "docs" / "glossary.md"]
    (row,) = re.findall(r"^.*verdict \| (.*)$", text, re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", row)) == {verdict.value for verdict in Verdict}
    assert f"one of {WORDS[len(Verdict) - 1]}" in row


WRITTEN = [page for page in TEXTS if page.name != "transcripts.md"]  # that one is what they said


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_and_option_that_a_page_shows_exists(page: Path) -> None:
    """Of `hippolyte VERB ... --option`, up to a comment; `hippolyte filter` begins a file."""
    known = verbs()
    lines = re.findall(
        r"(?:^|[`(])hippolyte (?!filter\b)([a-z][a-z-]*)\b([^`#|\n]*)", TEXTS[page], re.MULTILINE
    )
    for verb, rest in lines:
        assert verb in known, f"hippolyte {verb}"
        for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", rest):
            assert option in known[verb], f"hippolyte {verb} {option}"


def verbs() -> dict[str, set[str]]:
    """Return each verb of the command line with its options."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return {
        name: {opt for param in command.params for opt in param.opts} | {"--help"}
        for name, command in group.commands.items()
    }


# what a shell, and the lines that `make local` prints, set
GIVEN = {"PWD", "AWS_ENDPOINT_URL"}
SET = (
    r"(?:^|(?<=[\s;(`]))(\w+)=|(?<=--arg )(\w+)|(?<= as )\$(\w+)|(?<=for )(\w+)|(?<=read -r )(\w+)"
)
USED = r"\$\{?([A-Za-z_]\w*)"


def unset(text: str) -> list[str]:
    """Return the variables that a page's commands use, and that nothing sets before.

    Set is what the page's head sets (the block that asks for the account), and what stands earlier
    beneath the same heading: a reader comes from a link, and starts there.
    """
    shell = r"^ *```sh\n.*?^ *```$"
    inline = r"(?<!`)`[^`]+`(?!`)"
    blocks = re.findall(shell, text, re.MULTILINE | re.DOTALL)
    head = next((block for block in blocks if "get-caller-identity" in block), "")
    found = []
    for section in re.split(r"^(?=##+ )", text, flags=re.MULTILINE):
        known = GIVEN | names(head)
        pieces = re.finditer(f"{shell}|{inline}", section, re.MULTILINE | re.DOTALL)
        # one word, as a name of a file, is no command
        commands = [piece[0] for piece in pieces if " " in piece[0]]
        for line in "\n".join(commands).splitlines():
            # a variable may be set and used in one line, in this order
            for each in re.finditer(f"{SET}|{USED}", line):
                *sets, used = each.groups()
                known |= {name for name in sets if name}
                if used and used not in known:
                    found.append(f"${used}: {line.strip()}")
    return found


def names(block: str) -> set[str]:
    found = re.findall(SET, block, re.MULTILINE)
    return {name for groups in found for name in groups if name}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_variable_that_a_command_uses_is_set_before_it(page: Path) -> None:
    """So that what a person pastes at night runs under `set -u`."""
    assert unset(TEXTS[page]) == []


def test_a_variable_that_is_set_elsewhere_or_later_is_found() -> None:
    head = "```sh\nACCOUNT=$(aws sts get-caller-identity)\n```\n"
    one = "## One\n```sh\nRUN=1; x $RUN $ACCOUNT\n```\n"
    two = "## Two\n`a$b`, `x $KEY`\n```sh\nx ${RUN}y\nRUN=2\nx $RUN\n```\n"

    assert unset(head + one + two) == ["$KEY: `x $KEY`", "$RUN: x ${RUN}y"]
