"""Write what is generated: docs/inputs.md, tables in other READMEs, and files/timezones.txt.

The tables come out of the HCL, the names of time zones from the pinned package tzdata. The markers
are those of terraform-docs, so that its users can take over. Text outside of them is never touched.
`--check` writes nothing and fails if something is out of date.
"""

from __future__ import annotations

import argparse
import importlib.resources
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import hcl

REPOSITORY = Path(__file__).resolve().parent.parent
BEGIN = "<!-- BEGIN_TF_DOCS -->"
END = "<!-- END_TF_DOCS -->"
INPUTS = Path("docs", "inputs.md")
STUB = f"# Inputs and outputs\n\n{BEGIN}\n{END}\n"


class DocsError(Exception):
    """When a README has no place for the tables, or the HCL lacks what they need."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One input, as the table shows it; `default` is None if the input is required."""

    name: str
    description: str
    type: str
    default: str | None


@dataclass(frozen=True, slots=True)
class Output:
    """One output."""

    name: str
    description: str


def unquote(text: str) -> str:
    """Return the value of a string as python-hcl2 gives it: with quotes, or as a heredoc."""
    if text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    heredoc = re.fullmatch(r"<<-?(\w+)\n(.*\n)\s*\1", text, flags=re.DOTALL)
    if heredoc:
        return textwrap.dedent(heredoc.group(2)).strip()
    return text.replace('\\"', '"')


def _blocks(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, object], str]]:
    """Yield name, attributes and source text of every block of a kind, in all files of a module."""
    for path in sorted(folder.glob("*.tf")):
        source = path.read_text(encoding="utf-8")
        for block in hcl.parsed(source).get(kind, []):
            for label, attributes in block.items():
                name = unquote(label)
                # formatted HCL: a block ends at the first brace in column one
                text = re.search(
                    rf'^{kind} "{re.escape(name)}" \{{\n(.*?)^\}}', source, re.MULTILINE | re.DOTALL
                )
                if text is None:
                    raise DocsError(f"{path}: {kind} {name} is not formatted, run `make format`")
                yield name, attributes, text.group(1)


def _attribute(text: str, name: str) -> str | None:
    """Return the source of an attribute, over several lines if it has them."""
    found = re.search(rf"^  {name}\s+= (.*?)(?=^  [a-z]|^$|\Z)", text, re.MULTILINE | re.DOTALL)
    return textwrap.dedent("  " + found.group(1)).strip() if found else None


def _types(folder: Path) -> dict[str, str]:
    """Return the types in the folder beside a module in which its `any` get their types."""
    found = {name: _attribute(text, "type") for name, _, text in _blocks(folder, "variable")}
    return {name: kind for name, kind in found.items() if kind is not None}


def variables(folder: Path) -> list[Variable]:
    """Return a module's inputs by name."""
    found = []
    typed = _types(folder / "modules" / "inputs")
    for name, attributes, text in _blocks(folder, "variable"):
        if not {"description", "type"} <= attributes.keys():
            raise DocsError(f"variable {name} in {folder} needs a description and a type")
        kind = _attribute(text, "type")
        assert kind is not None
        if kind == "any" and name in typed:
            kind = typed[name]
        description = unquote(str(attributes["description"]))
        found.append(Variable(name, description, _dedent(kind), _attribute(text, "default")))
    return sorted(found, key=lambda variable: variable.name)


def outputs(folder: Path) -> list[Output]:
    """Return a module's outputs by name."""
    found = []
    for name, attributes, _ in _blocks(folder, "output"):
        if "description" not in attributes:
            raise DocsError(f"output {name} in {folder} needs a description")
        found.append(Output(name, unquote(str(attributes["description"]))))
    return sorted(found, key=lambda output: output.name)


def _dedent(text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *textwrap.dedent("\n".join(rest)).split("\n")]) if rest else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _code(text: str) -> str:
    return f"<pre>{_cell(text)}</pre>" if "\n" in text else f"`{_cell(text)}`"


def tables(folder: Path) -> str:
    """Return the Markdown of both tables."""
    lines = ["## Inputs", "", "| Name | Description | Type | Default |", "|---|---|---|---|"]
    for variable in variables(folder):
        default = "required" if variable.default is None else _code(variable.default)
        cells = [f"`{variable.name}`", _cell(variable.description), _code(variable.type), default]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Outputs", "", "| Name | Description |", "|---|---|"]
    lines += [f"| `{output.name}` | {_cell(output.description)} |" for output in outputs(folder)]
    return "\n".join(lines)


def insert(readme: str, generated: str, where: str) -> str:
    """Return a README's text with `generated` between its markers."""
    if (
        readme.count(BEGIN) != 1
        or readme.count(END) != 1
        or readme.index(BEGIN) > readme.index(END)
    ):
        raise DocsError(f"{where} needs the lines {BEGIN} and {END} once each, in this order")
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{generated}\n{END}{after}"


def zones() -> str:
    """Return IANA's names of time zones, one a line; what is no place or offset is left out."""
    names = (importlib.resources.files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return "\n".join(sorted(set(names) - {"Factory", "localtime"})) + "\n"


def targets(repository: Path = REPOSITORY) -> list[Path]:
    """Return the files that hold tables: the module's own, and READMEs that have markers."""
    others = [*repository.glob("modules/*/README.md"), *repository.glob("examples/*/README.md")]
    marked = [path for path in sorted(others) if BEGIN in path.read_text(encoding="utf-8")]
    return [repository / INPUTS, *marked]


def main(arguments: Sequence[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Write or check the tables; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.gen_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if out of date")
    options = parser.parse_args(arguments)
    try:
        wanted = {path: _wanted(path, repository) for path in targets(repository)}
    except DocsError as error:
        print(error, file=sys.stderr)
        return 1
    wanted[repository / "files" / "timezones.txt"] = zones()
    stale = {path: text for path, text in wanted.items() if _read(path) != text}
    names = ", ".join(path.relative_to(repository).as_posix() for path in stale)
    if stale and options.check:
        print(f"out of date: {names}. Run `make docs` and commit.", file=sys.stderr)
        return 1
    for path, text in stale.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    if stale:
        print(f"wrote {names}")
    return 0


def _wanted(readme: Path, repository: Path) -> str:
    where = readme.relative_to(repository)
    module = repository if where == INPUTS else readme.parent
    return insert(_read(readme) or STUB, tables(module), where.as_posix())


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
