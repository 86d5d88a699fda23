"""Whatever writes goes through one border: beside the place, whole, with one message (files.py)."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.contracts.test_architecture import FILES, ROOT

BORDER = {
    "written_beside",
    "folder_written_beside",
    "made_folder",
    "temporary_folder",
    "writing",
    "disk_errors_explained",
}
"""Context managers that turn the system's refusal into our error."""

WRITERS = re.compile(
    r"\.(write_text|write_bytes|mkdir|touch|rename|unlink|rmdir|symlink_to)$"
    r"|(^|\.)(makedirs|rmtree"
    r"|copyfile|copy2|copytree|mkdtemp|mkstemp|TemporaryDirectory|NamedTemporaryFile"
    r"|ParquetWriter|write_table|OSFile|savez|savez_compressed|save_file|to_csv|to_parquet"
    r"|to_excel|savefig|SummaryWriter|hardlink_to)$"
    r"|^(os\.(replace|link|remove)|shutil\.(copy|move)|np\.save|torch\.save|av\.open)$"
)
"""Names of calls that write, of pathlib and of the libraries."""

ALLOWED = {
    "dvtr_bench/runtime/files.py": "is the border",
    "dvtr_bench/runtime/download.py": "goes on where a download broke off: `writing` is around "
    "`download`",
    "dvtr_bench/features/cache.py": "a cache: OSError is caught, said once, and the run goes on",
    "dvtr_bench/features/store.py": "called by features/cache.py alone, which catches OSError",
    "dvtr_bench/runtime/checked_marks.py": "a cache: OSError is caught and said once",
    "dvtr_bench/dataset/measures.py": "`write` gets the path of `written_beside` in `_cached`",
    "dvtr_bench/video/mp4_writer.py": "says itself what to do, and removes its unfinished file",
    "dvtr_bench/training/train.py": "torch's own writer appends; the run's files are whole",
    "dvtr_bench/training/run.py": "old checkpoints go after the new one is in place",
    "dvtr_bench/studies/executors/node.py": "a Ray actor's scratch folder lives as long as it",
    "dvtr_bench/studies/executors/ray.py": "old checkpoints go before new ones come",
    "builders/engine/decode.py": "the staging folder: `disk_errors_explained` is around all of it",
    "builders/engine/assemble.py": "writes into the staging folder, inside `build_source`",
    "builders/engine/native_clips.py": "writes into the staging folder, inside `build_source`",
    "builders/engine/parquet.py": "writes into the staging folder, inside `build_source`",
    "builders/engine/clip_work.py": "writes into the staging folder, inside `build_source`",
    "builders/documents/texts.py": "writes into the staging folder, inside `build_source`",
    "builders/datasets/aerosynth.py": "renders inside `build_source`",
    "builders/sources/zipped_clip.py": "unpacks inside `build_source`, into the staging folder",
    "builders/engine/ray_pool.py": "writes a sent clip into a `temporary_folder`",
    "builders/publishing/annotations_only.py": "makes a copy inside a `temporary_folder`",
    "builders/publishing/eval_file.py": "writes into a `temporary_folder`",
    "builders/mteb_tasks/tables.py": "called by exports/mteb.py, inside `folder_written_beside`",
    "dvtr_bench/reports/drawing.py": "draws into memory",
    "baselines/encoder/pretraining.py": "torch writes into memory",
    "dvtr_bench/cli/__init__.py": "opens the null device",
}
"""File -> why its writers stand outside of the border, or inside it by way of their callers."""


def writers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each writing call outside of a border."""

    def visit(node: ast.AST, inside: bool) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.With):
            names = {name_of(item.context_expr) for item in node.items}
            guarded = inside or bool(names & BORDER)
            before = inside
            for item in node.items:  # the items after a border stand inside it
                yield from visit(item.context_expr, before)
                before = before or name_of(item.context_expr) in BORDER
            for child in node.body:
                yield from visit(child, guarded)
            return
        if isinstance(node, ast.Call) and not inside and writes(node):
            yield node.lineno, ast.unparse(node.func)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(tree, False)


def name_of(node: ast.AST) -> str:
    return ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def writes(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    last = name.rpartition(".")[2]
    if last == "open":
        given = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
        modes = [word.value for word in given if isinstance(word, ast.Constant)]
        return name == "os.open" or any(
            isinstance(mode, str) and re.fullmatch(r"[rwaxbt+]+", mode) and set(mode) & set("wax+")
            for mode in modes
        )
    if last == "replace":  # of a path: one positional argument, no string method
        return len(call.args) == 1 and not call.keywords
    if "formatter" in name or name.startswith("frame."):
        return False
    return bool(WRITERS.search(name))


def test_every_writer_goes_through_the_border() -> None:
    outside = {
        f"{path.relative_to(ROOT).as_posix()}:{line}: {name}"
        for path in FILES.values()
        if path.relative_to(ROOT).as_posix() not in ALLOWED
        for line, name in writers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not outside, "write through dvtr_bench.runtime.files, see `written_beside`"


def test_the_list_of_exceptions_is_no_longer_than_needed() -> None:
    for name in ALLOWED:
        found = list(writers(ast.parse((ROOT / name).read_text(encoding="utf-8"))))
        assert found, f"{name} needs no exception any more"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("path.write_text('a')", 1),
        ("with written_beside(path) as beside:\n    beside.write_text('a')", 0),
        ("with written_beside(path) as beside, beside.open('w') as file:\n    pass", 0),
        ("with path.open('w') as file, written_beside(path) as beside:\n    pass", 1),
        ("open(path, mode='a')", 1),
        ("path.open('rb')", 0),
        ("text.replace('a', 'b')", 0),
        ("part.replace(path)", 1),
        ("dataclasses.replace(record, name='a')", 0),
        ("pq.write_table(table, path)", 1),
    ],
)
def test_what_counts_as_writing(text: str, count: int) -> None:
    assert len(list(writers(ast.parse(text)))) == count
