"""The module's files keep their contract: documented, typed, testable. Terraform is not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hippolyte.records.intents import INTENT_LIFE
from tools import hcl
from tools.gen_docs import unquote
from tools.tf import REPOSITORY

SUBMODULES = sorted((REPOSITORY / "modules").iterdir())
EXAMPLES = sorted((REPOSITORY / "examples").iterdir())
OF_EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/*/versions.tf"))
MODULES = [REPOSITORY, *SUBMODULES, *EXAMPLES, *OF_EXAMPLES]
INPUTS = REPOSITORY / "modules" / "inputs"
INPUT_FILES = [
    *sorted(REPOSITORY.glob("variables*.tf")),
    *(REPOSITORY / name for name in ("inputs.tf", "checks.tf")),
    *sorted(INPUTS.glob("*.tf")),
    *sorted((REPOSITORY / "modules" / "spelling").glob("*.tf")),
]
FILES = sorted(path for folder in MODULES for path in folder.glob("*.tf"))
REFERENCE = re.compile(r"\b(var|local|path|data|module)\.(\w+)")


def parsed(path: Path) -> dict[str, Any]:
    """Return a file's blocks."""
    return hcl.parsed(path.read_text(encoding="utf-8"))


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.tf")):
        for block in parsed(path).get(kind, []):
            for label, body in block.items():
                yield unquote(label), body


def all_blocks(kind: str) -> list[Any]:
    return [
        pytest.param(body, id=f"{folder.name}-{name}")
        for folder in MODULES
        for name, body in blocks(folder, kind)
    ]


def types(folder: Path) -> dict[str, str]:
    """Return the types of a module's variables; `any` of the root has its own in modules/inputs."""
    found = {name: body["type"] for name, body in blocks(folder, "variable")}
    if folder == REPOSITORY:
        found |= {name: body["type"] for name, body in blocks(INPUTS, "variable")}
    return found


TYPED = [
    pytest.param(types(folder)[name], body, id=f"{folder.name}-{name}")
    for folder in MODULES
    if folder != INPUTS  # their descriptions are the root's
    for name, body in blocks(folder, "variable")
]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("body", all_blocks("variable"))
def test_variable_is_described_typed_and_in_order(body: dict[str, Any]) -> None:
    order = ["description", "type", "default", "nullable", "sensitive", "validation"]
    names = [name for name in body if name in order]

    assert names[:2] == ["description", "type"]
    assert names == sorted(names, key=order.index)
    assert len(unquote(body["description"])) > 10
    if "default" in body and body["default"] is not None:
        assert body.get("nullable") is False, "null has no meaning here: nullable = false"


@pytest.mark.parametrize(("kind", "body"), TYPED)
def test_variable_has_a_type(kind: str, body: dict[str, Any]) -> None:
    """`any` is for what is looked at for misspelt attributes, and then typed in modules/inputs."""
    if body != dict(blocks(REPOSITORY / "modules" / "spelling", "variable"))["given"]:
        assert "any" not in re.findall(r"\w+", kind)


def test_every_object_of_the_root_is_looked_at_for_misspelt_attributes() -> None:
    """A new object variable is `any`, has its type in modules/inputs, its names in inputs.tf."""
    declared = {name: body["type"] for name, body in blocks(REPOSITORY, "variable")}
    typed = {name: body["type"] for name, body in blocks(INPUTS, "variable")}
    call = dict(blocks(REPOSITORY, "module"))
    given, names = call["spelling"]["given"], call["spelling"]["attributes"]
    wanted: dict[str, list[str]] = {}
    for variable, kind in typed.items():
        body = kind.removeprefix("${object(")
        for attribute, inner in re.findall(r"(\w+) = [^,]*?object\(\{([^{}]*)\}\)", body):
            wanted[f"{variable}.{attribute}"] = sorted(re.findall(r"(\w+) = ", inner))
        flat = re.sub(r"object\(\{[^{}]*\}\)", "", body)
        wanted[variable] = sorted(re.findall(r"(\w+) = ", flat))

    assert not any("object(" in kind for kind in declared.values())
    assert {name for name, kind in declared.items() if kind == "any"} == set(typed)
    assert len(typed) >= 8
    assert {unquote(key): [unquote(n) for n in value] for key, value in names.items()} == wanted
    assert {unquote(key) for key in given} == set(wanted)
    for name in typed:
        assert given[name] == f"${{var.{name}}}"
        assert call["inputs"][name] == f"${{module.spelling.given.{name}}}"


@pytest.mark.parametrize("body", all_blocks("variable"))
def test_a_null_default_is_explained(body: dict[str, Any]) -> None:
    if "default" in body and body["default"] is None:
        assert "`null`" in unquote(body["description"])


@pytest.mark.parametrize(("kind", "body"), TYPED)
def test_every_attribute_of_an_object_is_described(kind: str, body: dict[str, Any]) -> None:
    if "object(" in kind:
        for name in re.findall(r"(\w+) = ", kind):
            assert f"`{name}`" in unquote(body["description"])


@pytest.mark.parametrize("body", all_blocks("variable"))
def test_every_rule_shows_the_value(body: dict[str, Any]) -> None:
    for rule in body.get("validation", []):
        assert "${" in rule["error_message"]
        assert unquote(rule["error_message"]).endswith(".")


@pytest.mark.parametrize(
    ("name", "body"), [*blocks(REPOSITORY, "variable"), *blocks(INPUTS, "variable")]
)
def test_a_validation_sees_its_own_variable_only(name: str, body: dict[str, Any]) -> None:
    """Terraform before 1.9 refuses more; the floor is 1.5, which is not here to ask."""
    used = {v for text in strings(body.get("validation", [])) for v in REFERENCE.findall(text)}

    assert used <= {("var", name)}


@pytest.mark.parametrize("body", all_blocks("output"))
def test_output_is_described_and_no_whole_resource(body: dict[str, Any]) -> None:
    assert unquote(body["description"]).endswith(".")
    assert not re.fullmatch(r"\$\{aws_\w+\.\w+(\[.*\])?\}", str(body["value"]))


@pytest.mark.parametrize(
    "path", INPUT_FILES, ids=lambda path: path.relative_to(REPOSITORY).as_posix()
)
def test_inputs_can_be_tested_alone(path: Path) -> None:
    """Only variables, their typed forms, own locals and the file of zones: no provider."""
    text = path.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    locals_of = {"checks.tf": path, "main.tf": path, "outputs.tf": path.with_name("main.tf")}
    home = locals_of.get(path.name) if path.parent != INPUTS else None
    own = re.findall(r"^  (\w+) +=", home.read_text("utf-8"), flags=re.MULTILINE) if home else []
    modules = {"inputs.tf": {"spelling"}, "checks.tf": {"inputs"}}.get(path.name, set())

    assert not re.search(r"\b(data|aws_\w+|each|count)\.\w+", code)
    assert set(re.findall(r"\bmodule\.(\w+)", re.sub(r"path\.module", "", code))) <= modules
    assert set(re.findall(r"\blocal\.(\w+)", code)) <= set(own)
    assert set(re.findall(r"\bpath\.\w+[^\"]*", code)) <= {"path.module}/files/timezones.txt"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_file_is_short_and_has_no_provider_but_in_examples(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 250
    if path.parent not in EXAMPLES:
        assert not re.search(r"^provider ", text, flags=re.MULTILINE)
    assert "var.strict" not in text or path.parent == REPOSITORY


@pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)
def test_module_states_versions_and_needs_one_provider_or_none(folder: Path) -> None:
    (terraform,) = parsed(folder / "versions.tf")["terraform"]

    assert unquote(terraform["required_version"]) == ">= 1.5.0"
    if folder.name in ("inputs", "spelling"):  # tested without a provider
        assert "required_providers" not in terraform
        return
    (providers,) = terraform["required_providers"]
    assert [name for name in providers if not name.startswith("__")] == ["aws"]
    assert unquote(providers["aws"]["version"]) == ">= 5.83.0, < 7.0.0"


WITHOUT_RESOURCES = [f for f in SUBMODULES if f.name.startswith(("engine-", "inputs", "spelling"))]


@pytest.mark.parametrize("folder", WITHOUT_RESOURCES, ids=lambda folder: folder.name)
def test_engines_and_inputs_are_documents_only(folder: Path) -> None:
    assert list(blocks(folder, "resource")) == []
    assert list(blocks(folder, "module")) == []
    assert {name for name, _ in blocks(folder, "data")} <= {"aws_iam_policy_document"}
    assert list(blocks(folder, "output")) != []


def test_every_engine_has_a_room_of_one_form() -> None:
    rooms = {f.name: {name for name, _ in blocks(f, "output")} for f in WITHOUT_RESOURCES}

    for engine in ("emr", "datapipeline"):
        assert rooms[f"engine-{engine}"] == {
            "functions_policy",
            "role_policy",
            "settings",
            "trust",
        }


def test_every_policy_statement_says_why() -> None:
    for path in FILES:
        for block in parsed(path).get("data", []):
            for name, document in block.get('"aws_iam_policy_document"', {}).items():
                for statement in document.get("statement", []):
                    assert "sid" in statement, f"{path.name}: {name}"


ENGINES = ("emr", "datapipeline")


def _call(example: str, module_name: str = "hippolyte") -> dict[str, Any]:
    """Return the attributes of an example's call of the module, or of a submodule."""
    (module,) = [
        body
        for path in (REPOSITORY / "examples" / example).glob("*.tf")
        for block in parsed(path).get("module", [])
        for label, body in block.items()
        if unquote(label) == module_name
    ]
    return module


def test_the_complete_example_uses_every_variable_and_attribute() -> None:
    others = {
        name: _call(engine) for name, engine in {"emr": "emr", "cluster": "datapipeline"}.items()
    }
    # of a bucket that is given, its own module has the lock
    others["object_lock"] = _call("complete", "backup_bucket")
    complete = _call("complete")
    whole = {"backup_bucket", "central_topic"}  # outputs of the submodules, passed as they are

    for name, kind in types(REPOSITORY).items():
        module = others.get(name, complete)
        assert name in complete, f"examples/complete does not use {name}"
        if "object(" in kind and name not in whole:
            for attribute in re.findall(r"(\w+) += ", kind):
                assert attribute in module[name], f"no example uses {name}.{attribute}"


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_every_example_but_those_of_an_engine_takes_the_default(folder: Path) -> None:
    engines = {
        unquote(body["engine"]) if "engine" in body else None
        for _, body in blocks(folder, "module")
        if unquote(body["source"]) == "../../"
    }

    # the example of everything says the default, too
    assert engines <= {None, "lambda"} if folder.name not in ENGINES else engines == {folder.name}


def test_the_region_is_read_as_providers_5_and_6_both_give_it() -> None:
    for path in FILES:
        used = re.findall(r"aws_region\.current\.(\w+)", path.read_text(encoding="utf-8"))
        assert set(used) <= {"id"}, path.name


# functions that came after Terraform 1.5, or that OpenTofu has not: neither is here to ask
NEWER = r"\b(issensitive|templatestring|ephemeralasnull|provider::\w+|base64gunzip|cidrcontains)\b"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_syntax_is_terraforms_of_1_5_and_opentofus(path: Path) -> None:
    """No block, function or rule that came later: removed, ephemeral, write-only arguments ..."""
    text = path.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    kinds = {
        "terraform",
        "provider",
        "variable",
        "locals",
        "resource",
        "data",
        "module",
        "output",
        "moved",
        "check",  # came with 1.5, and with OpenTofu 1.6, its first
    }

    assert {name for name in hcl.parsed(text) if not name.startswith("__")} <= kinds
    assert not re.search(NEWER, code)
    assert not re.search(r"^\s*(ephemeral\s*=|\w+_wo(_version)?\s*=)", code, re.M)


# what provider 6 marks as deprecated or has taken away, of the types that are used here (its
# upgrade guide and changelog); what 5.100 marks is a warning of `terraform validate`
GONE_IN_6 = (
    r"aws_region\.\w+\.name\b",
    r"\b(inline_policy|managed_policy_arns|overwrite)\b\s*[={]",
    r'resource "aws_eip"[^}]*\bvpc\s*=',
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_nothing_is_used_that_provider_6_deprecates(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert [pattern for pattern in GONE_IN_6 if re.search(pattern, text)] == []


# TFLint is not here to ask: the rules of the language that .tflint.hcl turns on and nothing above
# looks at (documented, typed, versions); module sources are folders
TFLINT = {
    "terraform_comment_syntax": r"^\s*//",
    "terraform_deprecated_index": r"\b(?:var|local|data|module|each)(?:\.\w+)*\.\d+\b",
    "terraform_deprecated_interpolation": r"=\s*\"\$\{[^{}\"]*\}\"$",
    "terraform_empty_list_equality": r"[!=]=\s*\[\]",
    "terraform_workspace_remote": r"\bterraform\.workspace\b",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_tflint_refuses_is_not_written(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert [rule for rule, wrong in TFLINT.items() if re.search(wrong, text, re.M)] == []
    declared = re.findall(
        r'^(?:resource|data) "\w+" "(.+?)"|^(?:variable|output|module) "(.+?)"', text, re.M
    )
    for name in (name for pair in declared for name in pair if name):
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name), f"{name}: no snake_case"


@pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)
def test_whatever_is_declared_is_used(folder: Path) -> None:
    files = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tf"))}
    text = "\n".join(files.values())
    declared = [(f"var.{name}", name) for name, _ in blocks(folder, "variable")]
    declared += [
        (f"local.{name}", name)
        for path in files
        for block in parsed(path).get("locals", [])
        for name in block
        if not name.startswith("__")
    ]
    declared += [
        (f"data.{unquote(kind)}.{name}", name)
        for kind, one in blocks(folder, "data")
        for name in map(unquote, one)
    ]

    unused = [what for what, _ in declared if not re.search(rf"\b{re.escape(what)}\b", text)]
    assert unused == []


def test_an_intent_outlives_the_function_that_announced_it() -> None:
    """Another invocation takes an intent over when its writer is dead for certain.

    Lambda's own maximum says nothing of that (1,800 s since November 2026): the timeout set here
    does. The minute between them is for clocks that differ.
    """
    found = {
        name: body["timeout"]
        for kind, one in blocks(REPOSITORY, "resource")
        if kind == "aws_lambda_function"
        for name, body in one.items()
    }

    assert found, "no function is found"
    for name, seconds in found.items():
        assert isinstance(seconds, int), f"{name}: {seconds} is no number to compare with"
        assert seconds + 60 <= INTENT_LIFE.total_seconds(), name
