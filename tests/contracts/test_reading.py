"""Whoever parses what others wrote does so behind the border, so that no new reader forgets it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("builders", "leaderboard", "dvtr_bench", "baselines", "msam")
BORDER = {"reading", "_reading"}

PARSERS = {
    *("json.load", "json.loads", "raw_decode", "JSONDecoder.decode"),
    *("csv.reader", "csv.DictReader"),
    *("tomllib.load", "tomllib.loads"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler"),
    *("pq.ParquetFile", "pq.read_table", "pq.read_schema", "pq.read_metadata"),
    *("pa.ipc.open_file", "pa.ipc.open_stream"),
    *("tarfile.open", "zipfile.ZipFile", "gzip.open", "lzma.open", "bz2.open"),
    *("cv2.imdecode", "cv2.imread", "Image.open"),
    *("yaml.safe_load", "yaml.load", "ast.literal_eval"),
}
"""By the name under which our files call them."""

ELSEWHERE = {
    "builders/aerosynth/stream.py": "a frame that this process encoded",
    "builders/checks/audit/page.py": "a picture that the same command drew",
    "builders/checks/verify/frames.py": "any failure of a picture is a finding",
    "builders/engine/clip_work.py": "a row that the same build stored; a damaged one is made again",
    "builders/engine/parquet.py": "an empty table in memory",
    "builders/sources/archive.py": "_opened and _blocks are the border of zips",
    "builders/sources/packed.py": "what the same process packed, in memory",
    "builders/sources/published.py": "a zip that list_members has read behind its border",
    "builders/sources/delimited.py": "the dialect's search needs each failure; see _check",
    "leaderboard/board.py": "canonical JSON that this process made",
    "leaderboard/exports/eval_results.py": "YAML that this process made",
    "dvtr_bench/studies/ledger.py": "JSON that this process made",
    "dvtr_bench/features/cache.py": "JSON that this process made",
    "dvtr_bench/reports/thumbnails.py": "is_whole tries the picture; frames_of follows it",
    "dvtr_bench/video/still.py": "extract_still turns each failure into a ClipError itself",
}
"""Files whose parsers need no border, and why."""

OF_TENSORS = (
    "baselines/",
    "dvtr_bench/evaluation/external_file.py",
    "dvtr_bench/runtime/checkpoint.py",
    "dvtr_bench/features/store.py",
    "dvtr_bench/dataset/measures.py",
    "dvtr_bench/training/run.py",
)
"""Held by the corpus of tests/hostile: their borders stand around whole readers."""


def calls_outside(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of each call of a parser that stands in no ``with reading(...)``."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.With | ast.AsyncWith):
            borders = [number for number, item in enumerate(node.items) if _is_border(item)]
            if borders:
                parts = [*node.items[borders[0] :], *node.body]
                inside.update(child for part in parts for child in ast.walk(part))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node not in inside:
            name = _name(node.func)
            if name in PARSERS or name.rpartition(".")[2] == "raw_decode":
                if not _reads_what_it_wrote(node):
                    yield node.lineno, name


def _is_border(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and _name(call.func).rpartition(".")[2] in BORDER


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def _reads_what_it_wrote(call: ast.Call) -> bool:
    """Return whether a call is ``json.loads(json.dumps(...))`` or of ``canonical_json(...)``."""
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Call) and _name(first.func) in ("json.dumps", "canonical_json")


def _sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_parsers_are_called_behind_the_border() -> None:
    found = []
    for path in _sources():
        name = path.relative_to(ROOT).as_posix()
        if name in ELSEWHERE or name.startswith(OF_TENSORS):
            continue
        text = path.read_text(encoding="utf-8")
        if not any(name in text for name in PARSERS):
            continue
        tree = ast.parse(text)
        found += [f"{name}:{line}: {call}" for line, call in calls_outside(tree)]
    assert not found, f"parse inside dvtr_bench.reading.border.reading: {found}"


def test_the_list_of_exceptions_holds_nothing_old() -> None:
    for name in ELSEWHERE:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        assert list(calls_outside(tree)), f"{name} needs no exception any more"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("json.loads(text)", [1]),
        ("with reading(path, 'x'):\n    json.loads(text)", []),
        ("with reading(path, 'x') as y, open(z):\n    pq.ParquetFile(text)\npq.read_table(y)", [3]),
        ("with suppress(ValueError):\n    tomllib.loads(text)", [2]),
        ("json.loads(json.dumps(x))", []),
        ("_DECODER.raw_decode(text, 3)", [1]),
        ("def f():\n    with self._reading():\n        return csv.reader(x)", []),
    ],
)
def test_a_call_outside_is_seen(text: str, lines: list[int]) -> None:
    assert [line for line, _ in calls_outside(ast.parse(text))] == lines
