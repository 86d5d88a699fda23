"""A dataset folder whose rows are others than its fingerprint says, each beside its honest twin."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset import fingerprint
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.dataset.split import require_whole_split
from dvtr_bench.errors import DvtrError, NotFoundError, ProtocolError
from dvtr_bench.runtime.files import file_sha256

Edit = Callable[[list], list]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Annotations alone: 12 videos of two splits, two captions each."""
    rows = [
        f"clip{n}.mp4,the clip {n},a view of {n},{'train' if n < 4 else 'test'}" for n in range(12)
    ]
    table = tmp_path / "captions.csv"
    table.write_text("\n".join(["file_name,caption_1,caption_2,split", *rows]))
    settings = BuildSettings(root=tmp_path, name="texts", frames=None, progress=False)
    build("folder", {"captions": table}, settings)
    return tmp_path / "texts"


def _forge(folder: Path, config: str, column: str, edit: Edit, split: str = "test") -> None:
    """Rewrite a column, and what the manifest says of the file: the fingerprint stays."""
    manifest = json.loads((folder / "dataset.json").read_text())
    (record,) = (file for file in manifest["splits"][split]["files"] if file["config"] == config)
    path = folder / record["path"]
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    field = table.schema.field(place)
    values = pa.array(edit(table[column].to_pylist()), field.type)
    pq.write_table(table.set_column(place, field, values), path)
    record |= {"size_bytes": path.stat().st_size, "sha256": file_sha256(path)}
    (folder / "dataset.json").write_text(json.dumps(manifest))


def _easier(captions: list) -> list:
    return [f"number {place}" for place in range(len(captions))]


def _easier_lists(lists: list) -> list:
    return [[f"number {2 * row}", f"number {2 * row + 1}"] for row in range(len(lists))]


def _check(folder: Path) -> None:
    require_whole_split(open_dataset(folder).split("test"))


FORGED = {
    "captions": (
        [("captions", "caption", _easier)],
        r"captions of test are not those of its videos' rows, from 'clip\d+#0' on",
    ),
    "captions in all files": (
        [("captions", "caption", _easier), ("default", "captions", _easier_lists)],
        r"the rows give the fingerprint \w{12}, but dataset.json says \w{12}: ids, captions",
    ),
    "captions of two videos exchanged": (
        [
            ("captions", "caption", lambda all_: [*all_[2:4], *all_[:2], *all_[4:]]),
            ("default", "captions", lambda rows: [rows[1], rows[0], *rows[2:]]),
        ],
        "the rows give the fingerprint",
    ),
    "a caption less": (
        [("default", "captions", lambda rows: [rows[0][:1], *rows[1:]])],
        r"from 'clip\d+#0' on",
    ),
    "categories": ([("default", "category", lambda rows: ["x"] * len(rows))], "fingerprint"),
    "hashes of clips": (
        [("default", "clip_sha256", lambda rows: ["0"] * len(rows))],
        "fingerprint",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_other_rows_under_the_same_fingerprint_are_refused(built: Path, name: str) -> None:
    edits, message = FORGED[name]
    _check(built)
    for config, column, edit in edits:
        _forge(built, config, column, edit)
    with pytest.raises(ProtocolError, match=message):
        _check(built)


def test_rows_of_another_split_are_covered(built: Path) -> None:
    _forge(built, "default", "captions", _easier_lists, split="train")
    with pytest.raises(ProtocolError, match="the rows give the fingerprint"):
        _check(built)


def test_a_file_that_was_merely_written_anew_passes(built: Path) -> None:
    _forge(built, "default", "captions", lambda rows: rows)
    _check(built)


def test_a_missing_file_of_another_split_is_named(built: Path) -> None:
    (built / "data" / "train-00000-of-00001.parquet").unlink()
    with pytest.raises(NotFoundError, match=r"train-00000.* is missing: the fingerprint covers"):
        _check(built)


def test_what_was_read_once_is_not_read_again(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _check(built)
    monkeypatch.setattr(fingerprint, "_rows", pytest.fail)
    _check(built)


def test_a_time_that_was_set_back_does_not_hide_a_change(built: Path) -> None:
    _check(built)
    path = built / "data" / "test-00000-of-00001.parquet"
    before = path.stat()
    _forge(built, "default", "captions", lambda rows: [[b, a] for a, b in rows])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DvtrError, match="captions of test are not those"):
        _check(built)
