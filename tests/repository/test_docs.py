"""What is generated, the tables of inputs above all: up to date, and nothing else touched."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from tools import gen_docs
from tools.tf import REPOSITORY

MODULE = """
variable "size" {
  description = "Size in \\"units\\" | more."
  type        = number
  default     = 3
  nullable    = false
}

variable "shape" {
  description = <<-EOT
    The shape.
    - `sides`: how many.
  EOT
  type = object({
    sides = optional(number, 4)
  })
}

output "area" {
  description = "The area."
  value       = 1
}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(MODULE, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    return tmp_path


def test_what_is_generated_is_up_to_date() -> None:
    assert gen_docs.main(["--check"]) == 0, "run `make docs`"


def test_zones_are_places_python_knows() -> None:
    zones = (REPOSITORY / "files" / "timezones.txt").read_text(encoding="utf-8").split()

    assert zones == sorted(zones)
    assert {"UTC", "Europe/Berlin", "America/New_York", "US/Pacific"} <= set(zones)
    for name in zones:
        ZoneInfo(name)


def test_every_variable_and_output_is_in_the_tables() -> None:
    text = gen_docs.tables(REPOSITORY)

    for kind in ("variable", "output"):
        declared = [
            line.split('"')[1]
            for path in REPOSITORY.glob("*.tf")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith(f'{kind} "')
        ]
        assert declared
        for name in declared:
            assert f"\n| `{name}` | " in text


def test_tables(module: Path) -> None:
    assert gen_docs.tables(module) == (
        "## Inputs\n\n"
        "| Name | Description | Type | Default |\n"
        "|---|---|---|---|\n"
        "| `shape` | The shape.<br>- `sides`: how many. "
        "| <pre>object({<br>  sides = optional(number, 4)<br>})</pre> | required |\n"
        '| `size` | Size in "units" \\| more. | `number` | `3` |\n'
        "\n## Outputs\n\n"
        "| Name | Description |\n|---|---|\n"
        "| `area` | The area. |"
    )


def test_a_variable_that_may_be_anything_shows_the_type_it_gets(module: Path) -> None:
    """Its description and default stay the root's."""
    before = gen_docs.tables(module)
    typed = re.search(r'^variable "shape" \{.*?^\}\n', MODULE, re.MULTILINE | re.DOTALL)
    assert typed is not None
    any_type = re.sub(r"type = object.*?\}\)", "type = any", typed[0], flags=re.DOTALL)
    (module / "main.tf").write_text(MODULE.replace(typed[0], any_type), encoding="utf-8")

    assert "| `any` | required |" in gen_docs.tables(module)
    inputs = module / "modules" / "inputs"
    inputs.mkdir(parents=True)
    (inputs / "variables.tf").write_text(typed[0], encoding="utf-8")
    assert gen_docs.tables(module) == before


def test_check_fails_with_the_remedy_and_writes_nothing(
    module: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = module / "docs" / "inputs.md"
    readme.write_text(f"# T\n{gen_docs.BEGIN}\nold\n{gen_docs.END}\n", encoding="utf-8")
    before = readme.read_bytes()

    assert gen_docs.main(["--check"], module) == 1
    assert "docs/inputs.md" in (error := capsys.readouterr().err)
    assert "make docs" in error
    assert readme.read_bytes() == before


def test_text_outside_the_markers_stays(module: Path) -> None:
    readme = module / "docs" / "inputs.md"
    readme.write_text(f"# T\n\nabove\n{gen_docs.BEGIN}\nold\n{gen_docs.END}\nbelow\n", "utf-8")

    assert gen_docs.main([], module) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"# T\n\nabove\n{gen_docs.BEGIN}\n## Inputs")
    assert text.endswith(f"`area` | The area. |\n{gen_docs.END}\nbelow\n")
    assert gen_docs.main(["--check"], module) == 0


def test_what_is_missing_is_begun(module: Path) -> None:
    (module / "docs").rmdir()

    assert gen_docs.main([], module) == 0
    text = (module / "docs" / "inputs.md").read_text(encoding="utf-8")
    assert text.startswith("# Inputs and outputs\n\n<!-- BEGIN")


def test_missing_markers_are_named(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (module / "docs" / "inputs.md").write_text("# T\n", encoding="utf-8")

    assert gen_docs.main([], module) == 1
    assert gen_docs.BEGIN in capsys.readouterr().err


def test_an_undescribed_output_is_refused(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (module / "more.tf").write_text('output "x" {\n  value = 1\n}\n', encoding="utf-8")

    assert gen_docs.main([], module) == 1
    assert "output x" in capsys.readouterr().err


def test_terraform_docs_is_told_to_make_the_same_tables(module: Path) -> None:
    """It is not here to ask: its configuration says the markers, sections and columns of ours."""
    told = yaml.safe_load((REPOSITORY / ".terraform-docs.yml").read_text(encoding="utf-8"))
    text = gen_docs.tables(module)

    begin, content, end = told["output"]["template"].split("\n")
    assert (begin, content, end) == (gen_docs.BEGIN, "{{ .Content }}", gen_docs.END)
    assert told["output"]["file"] == gen_docs.INPUTS.as_posix()
    assert told["output"]["mode"] == "inject"
    headings = re.findall(r"^(#+) (\w+)$", text, flags=re.MULTILINE)
    assert [name.lower() for _, name in headings] == told["sections"]["show"]
    assert {len(marks) for marks, _ in headings} == {told["settings"]["indent"]}
    columns = ["Name", "Description"]
    columns += [n.title() for n in ("type", "default", "required") if told["settings"][n]]
    assert f"| {' | '.join(columns)} |" in text
    assert ("<pre>" in text) is told["settings"]["html"]
    assert told["sort"] == {"enabled": True, "by": "name"}
    names = re.findall(r"^\| `(\w+)`", text.split("## Outputs")[0], flags=re.MULTILINE)
    assert names == sorted(names)
    assert ("<a name" in text) is told["settings"]["anchor"]


def test_the_source_to_copy_is_the_same_everywhere() -> None:
    files = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
    files += [*REPOSITORY.glob("examples/*/README.md"), *REPOSITORY.glob("modules/*/README.md")]
    found = [
        (match[1], match[2])
        for file in files
        for match in re.finditer(
            r'"git::(\S+?\.git)(?://\S*?)?\?ref=([^"]+)"', file.read_text(encoding="utf-8")
        )
    ]
    assert len(found) > 10
    assert {*found} == {("https://github.com/ORGANISATION/hippolyte.git", "main")}
