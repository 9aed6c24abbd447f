"""Reasons of tables, as each place in the code makes them, with the runbook's entry of each.

`unsampled` reads the code for reasons of which none is here: whoever makes a new one says where it
leads.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.tf import REPOSITORY

_REFUSED = "An error occurred (AccessDeniedException) when calling the {} operation: not you"
_WHERE = "s3://backups/backups/123456789012/us-east-1/orders/2026-11-24T00-00Z-1/"
_DATA = "data/000-00000.json.gz"
_BY = "cancelled by arn:aws:iam::123456789012:user/ann at 2026-11-24T02:00:00Z"

REASONS_MADE: list[tuple[str, str]] = [
    # a person
    ("not started: its capacity was given back by hippolyte release", "reason-person"),
    ("attempt 1: no (its capacity was given back by hippolyte release)", "reason-person"),
    (
        "attempt 1: orders was lowered to 100 under its export by somebody: cancelled",
        "reason-person",
    ),
    ("attempt 1: the deadline has passed, somebody had it paused", "reason-person"),
    ("attempt 1: the pipeline was deleted by somebody", "reason-person"),
    (_BY, "reason-cancelled"),
    (f"attempt 1: {_BY}", "reason-cancelled"),
    (f"attempt 2: {_BY} (a test): worker b001 ended: cancelled", "reason-cancelled"),
    (f"attempt 1: orders could not be read (not tried again: {_BY})", "reason-cancelled"),
    (f"{_BY}; before: attempt 1: manifest is missing in {_WHERE}", "reason-cancelled"),
    # the plan, and what was not begun
    ("max_night_usd: it does not go into 5.00 USD a night", "reason-money"),
    ("max_night_usd: its native export does not go into 5.00 USD a night", "reason-money"),
    (f"DescribeTable: {_REFUSED.format('DescribeTable')}", "reason-describe"),
    ("table status ARCHIVED", "reason-unsupported"),
    ("waited for an earlier run that has not done with orders", "reason-earlier-run"),
    ("not started before the deadline", "reason-deadline"),
    (f"not started before the deadline; before: attempt 1: {_BY[:9]}", "reason-deadline"),
    # a window that was too short
    ("still running at the deadline: attempt 1: the deadline has passed", "reason-deadline"),
    (
        "still running at the deadline: attempt 1: the deadline has passed: "
        "cluster TERMINATING: USER_REQUEST: terminated by request",
        "reason-deadline",
    ),
    ("attempt 1: the deadline has passed (no time is left for another attempt)", "reason-deadline"),
    # an export that does not get on
    (
        "attempt 2: the export of orders is overdue: it was to take 900 s (after 2 attempts)",
        "reason-overdue",
    ),
    ("attempt 1: the export of orders is overdue: nothing was read since 02:00", "reason-overdue"),
    (
        "attempt 1: the export of orders is overdue: others wait, and it has no estimate",
        "reason-overdue",
    ),
    ("attempt 1: its cluster ran nothing for 2400 s", "reason-overdue"),
    ("attempt 1: its worker ran nothing for 2400 s", "reason-overdue"),
    # machines
    (
        "attempt 1: its cluster had no machines after 1200 s: EC2 may be short of their type",
        "reason-machines",
    ),
    ("attempt 1: its cluster ended before it", "reason-machines"),
    ("attempt 1: cluster TERMINATED_WITH_ERRORS: INTERNAL_ERROR: no luck", "reason-machines"),
    ("attempt 1: cluster FAILED: no reason given", "reason-machines"),
    ("attempt 1: the pipeline was deleted", "reason-machines"),
    ("attempt 1: deactivated before its cluster came", "reason-machines"),
    ("attempt 1: the step is FAILED", "reason-machines"),
    ("attempt 1: the activity is FAILED", "reason-machines"),
    # refusals of whoever is to read
    ("RunJobFlow: ValidationException: The quota is met", "reason-refused"),
    ("AddJobFlowSteps: ValidationException: Maximum of 256 steps", "reason-refused"),
    ("CreatePipeline: AccessDeniedException: not you", "reason-refused"),
    ("PutPipelineDefinition: InvalidRequestException: no", "reason-refused"),
    ("ActivatePipeline: InternalServiceError: later", "reason-refused"),
    ("StartExecution: ExecutionLimitExceeded: too many", "reason-refused"),
    ("StopExecution: AccessDeniedException: not you", "reason-refused"),
    (
        "attempt 1: its steps are refused: AddJobFlowSteps: ValidationException: no",
        "reason-refused",
    ),
    ("the definition was refused: Export0: no such role | Default: no", "reason-refused"),
    (
        "the deployment has no setting emr: it starts no cluster any more",
        "reason-refused",
    ),
    ("the deployment has no setting exporter: apply the module again", "reason-refused"),
    (f"writing its orders: {_REFUSED.format('PutObject')}", "reason-refused"),
    ("the orders of worker b001 are written by others as well", "reason-refused"),
    ("worker b001 is to end: all of its tables are over", "reason-refused"),
    ("Data Pipeline adds nothing to a running pipeline", "reason-refused"),
    ("native exports are all begun together", "reason-native"),
    ("a native export needs its moment", "reason-native"),
    # the exporter
    (
        "attempt 1: a function ended without a word while it read this table alone, as others did "
        "before: it is not read again by this worker (memory, or a fault of this product: see the "
        "exporter's log)",
        "reason-link-died",
    ),
    ("attempt 1: its execution ended as FAILED (States.Timeout: no)", "reason-execution"),
    ("attempt 1: its execution is not there any more", "reason-execution"),
    ("attempt 1: its worker ended before it", "reason-execution"),
    ("attempt 1: worker b001-p2 ended before its part was read", "reason-execution"),
    (
        f"attempt 1: worker b001 ended: its records cannot be read: {_REFUSED.format('GetObject')}",
        "reason-execution",
    ),
    (f"attempt 1: {_REFUSED.format('Scan')} (after 2 attempts)", "reason-scan"),
    (
        "attempt 1: orders needs files of 64 MiB, for an import takes 50,000, and there is room "
        "for 32 MiB: give more memory",
        "reason-scan",
    ),
    (
        "attempt 1: orders is not as it was planned: a table on demand needs a rate to be read at",
        "reason-scan",
    ),
    ("attempt 1: not a Scan's answer: it has no Items; it begins b'x'", "reason-scan"),
    (
        "attempt 1: not Scan's answer: KeyError('x'). Check what answers there: the endpoint "
        "(AWS_ENDPOINT_URL), the proxy",
        "reason-scan",
    ),
    ("attempt 1: it has no Items", "reason-scan"),
    ("attempt 1: Items is no list", "reason-scan"),
    ("attempt 1: what stands at 7 is no item", "reason-scan"),
    ("attempt 1: the page after {'pk': 1} ends with {'pk': 1} again", "reason-scan"),
    (
        "attempt 1: segment 3 goes in a circle: a page ended with {'pk': 1} before",
        "reason-scan",
    ),
    (
        "attempt 1: orders was switched to on-demand capacity while it was read",
        "reason-scan",
    ),
    (
        f"attempt 1: {_WHERE}hippolyte.json is of the table orders with id a, and orders now has b",
        "reason-made-anew",
    ),
    ("attempt 1: orders was deleted and made anew before it was read", "reason-made-anew"),
    ("attempt 1: it is of the table with id a, not b", "reason-made-anew"),
    # what lies there, of the exporter
    (
        f"attempt 1: manifest-summary.json is missing in {_WHERE}: the export did not end",
        "reason-not-as-written",
    ),
    (f"manifest-files.json is not what was written (MD5), in {_WHERE}", "reason-not-as-written"),
    (f"{_WHERE}{_DATA}: its content is not what was written (MD5)", "reason-not-as-written"),
    ("the files hold 5 items, the summary says 6", "reason-not-as-written"),
    (f"{_DATA} is not in the manifest", "reason-not-as-written"),
    (f"{_DATA} of the manifest is missing", "reason-not-as-written"),
    (f"{_DATA} is not what was written: its ETag is a, not b", "reason-not-as-written"),
    ("x.json.gz is no file of a scan", "reason-not-as-written"),
    (f"{_WHERE}x.json.gz is no file of the scan", "reason-not-as-written"),
    ("files of segment 3 are missing: there are [0, 2]", "reason-not-as-written"),
    ("3 segments are in the manifest, 4 were read", "reason-not-as-written"),
    (f"{_WHERE}x lies where the scan is to be written", "reason-not-as-written"),
    (f"{_WHERE}manifest.json lies there with other content", "reason-not-as-written"),
    (
        f"{_WHERE}x is not of a scan of this product: the place holds another export",
        "reason-not-as-written",
    ),
    (f"{_DATA}: None was listed, Stored(size=7) written", "reason-not-as-written"),
    (f"{_DATA}: it does not follow on 300 items", "reason-not-as-written"),
    (f"{_WHERE}{_DATA}: 5 bytes were written, not 6", "reason-not-as-written"),
    (f"{_WHERE}{_DATA} is there, and no listing has it", "reason-not-as-written"),
    (f"{_DATA}: its metadata are not a scan's: 'x'", "reason-not-as-written"),
    (f"{_DATA}: its last line is no item of the table: b'x'", "reason-not-as-written"),
    (f"{_DATA}: not a gzip file: bad", "reason-not-as-written"),
    (f"{_DATA}: not one whole gzip file", "reason-not-as-written"),
    (f"{_WHERE}{_DATA}: it is gone", "reason-not-as-written"),
    (f"manifest-summary.json: not JSON: no (in {_WHERE})", "reason-not-as-written"),
    # what lies there, of clusters
    (f"attempt 1: _SUCCESS is missing in {_WHERE}: the job did not end well", "reason-output"),
    (f"manifest is missing in {_WHERE}: the job did not end", "reason-output"),
    (f"manifest: not JSON: no (in {_WHERE})", "reason-output"),
    (f"manifest: file x is listed twice (in {_WHERE})", "reason-output"),
    ("2 files (a, ...) of the manifest missing", "reason-output"),
    ("1 file (a) of the manifest empty", "reason-output"),
    ("1 file (a) cut off: the last line does not end", "reason-output"),
    (
        "attempt 2: 7 items read, the table's count is 10: more than 20 % are missing"
        " (after 2 attempts)",
        "reason-count",
    ),
    ("7 items read, but the manifest lists 3 files: some are missing", "reason-count"),
    ("7 items read, but the manifest lists 9 files of 1 or more each", "reason-count"),
    ("7 items read, but the files hold only 9 bytes", "reason-count"),
    (
        "the files can hold at most 9 items, last night's is 20: more than 20 % are missing",
        "reason-count",
    ),
    ("the manifest lists no file, the table's count is 20", "reason-count"),
    (f"its output could not be read: {_REFUSED.format('GetObject')}", "reason-unreadable"),
    # DynamoDB's own exports
    ("attempt 1: its point-in-time recovery was switched off during the night", "reason-native"),
    (
        "not begun before the deadline: attempt 1: DynamoDB had no room for it: 300 exports at "
        "once, or 100 TB of tables",
        "reason-native",
    ),
    ("attempt 1: the table was deleted, and another one has its name", "reason-made-anew"),
    ("attempt 1: ExportTableToPointInTime: ValidationException: no", "reason-native"),
    (
        f"attempt 1: its export cannot be followed any more: {_REFUSED.format('DescribeExport')}",
        "reason-native",
    ),
    ("attempt 1: DynamoDB's export failed: it does not say why", "reason-native"),
    (
        "still running at the deadline: attempt 1: the deadline has passed: a native export cannot "
        "be cancelled: DynamoDB goes on with it",
        "reason-native",
    ),
    (
        "not begun before the deadline: attempt 1: its moment could not be restored yet",
        "reason-native",
    ),
    ("not begun before the deadline: attempt 1: its export had not begun", "reason-native"),
    (
        "attempt 1: it was asked for with a FilterSpecification: it holds a part of the table",
        "reason-native",
    ),
    ("attempt 1: DescribeExport says 5 items, its manifest 6", "reason-native"),
    # a service's own words
    ("attempt 1: java.lang.RuntimeException: no luck: s3://logs/x", "reason-other"),
    ("the export was failed", "reason-other"),
]

# where a string becomes, or becomes part of, a reason: the calls, and their argument
_CALLS = {
    "EngineError": 0,
    "ScanError": 0,
    "UnfitError": 0,
    "Changed": 0,
    "Nonsense": 0,
    "DefinitionError": 0,
    "fail": 1,
    "close": 1,
    "_discard": 4,
    "cancel": 2,
}
# and names of what it is put into
_NAMES = re.compile(r"problems|reason|why|_OFF|_FULL|_ANOTHER|_POISON|error|failure|DEADLINE")
_FILES = (
    "night/judge.py",
    "night/judge_native.py",
    "night/launch.py",
    "night/follow.py",
    "night/cancelled.py",
    "night/raise_in_turn.py",
    "engines/native.py",
    "engines/native_export.py",
    "engines/lambda_.py",
    "engines/parts.py",
    "engines/emr.py",
    "engines/datapipeline.py",
    "engines/datapipeline_definition.py",
    "exports/verification.py",
    "exports/native_verification.py",
    "planning/budget.py",
    "scan/begin.py",
    "scan/whole.py",
    "scan/segment.py",
    "scan/cutting.py",
    "scan/reading.py",
)
# what is told elsewhere than in a reason
_NONE = re.compile(r"stream_error|^errors?$")


def unsampled() -> list[str]:
    """Return the strings of the code that become reasons, and of which no sample is here."""
    found = []
    for name in _FILES:
        path = REPOSITORY / "lambda" / "hippolyte" / name
        for text in _texts(path):
            words = re.compile(text, re.DOTALL)
            if not any(words.search(reason) for reason, _ in REASONS_MADE):
                found.append(f"{name}: {text}")
    return found


def _texts(path: Path) -> Iterator[str]:
    """Yield what each of a file's reasons looks like: a pattern."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            # what vanished is told to nobody
            place = None if "VANISHED" in ast.unparse(node) else _CALLS.get(name)
            if place is not None and len(node.args) > place:
                yield from _patterns(node.args[place])
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if name in ("append", "extend") and _is_named(owner):
                yield from _patterns(node.args[0])
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(map(_is_named, targets)):
                yield from _patterns(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name in _RETURNS:
            for each in ast.walk(node):
                if isinstance(each, ast.Return) and each.value:
                    yield from _patterns(each.value)


# functions that return reasons, or parts of one
_RETURNS = {
    *("_why_idle", "_must_end", "_lowered", "_waited_for", "_gone", "_failure", "_error"),
    *("_cluster_failure", "_same", "_whole", "_counts", "_bounded", "_agreement"),
}


def _is_named(node: ast.AST | None) -> bool:
    name = getattr(node, "id", getattr(node, "attr", ""))
    return bool(_NAMES.search(name)) and not _NONE.search(name)


def _patterns(node: ast.AST) -> Iterator[str]:
    """Yield the pattern of each string in an expression that says something: three words."""
    if isinstance(node, ast.JoinedStr | ast.Constant):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        said = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
        if len(re.findall(r"[A-Za-z]{2,}", " ".join(said))) >= 3:
            yield ".*?".join(
                re.escape(p.value) if isinstance(p, ast.Constant) else ""
                for p in parts
                if not isinstance(p, ast.Constant) or isinstance(p.value, str)
            )
        return
    for each in ast.iter_child_nodes(node):
        yield from _patterns(each)
