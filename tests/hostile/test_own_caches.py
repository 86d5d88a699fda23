"""Caches of ours, damaged in any way: made again, never a traceback or a wrong number.

Each byte of a small file is changed in turn, and the file is cut at each length.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from dvtr_bench.dataset.measures import stored_arrays, stored_measure
from dvtr_bench.errors import InputError
from dvtr_bench.features.cache import FeatureCache
from dvtr_bench.features.store import EntryWriter, read_entry

KEY = {"side": "videos", "weights": "w" * 8}
ROWS = torch.arange(12.0).reshape(6, 2)
DAMAGED = (b"", b"[" * 100_000, b"\xff", b"null", b"9" * 5_000, b"PK\x05\x06" + bytes(18))


def damages(whole: bytes, step: int) -> Iterator[bytes]:
    """Other bytes than a file had."""
    yield from DAMAGED
    for at in range(0, len(whole), step):
        yield whole[:at]
        for flip in (1, 0x10):
            yield whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]


def _entry(folder: Path) -> Path:
    with EntryWriter(folder / "entry", KEY, 6) as writer:
        writer.add({"x": ROWS[:4]}, 7)
        writer.add({"x": ROWS[4:]}, 9)
        writer.finish()
    return folder / "entry"


@pytest.mark.parametrize("name", ["entry.json", "x.npy"])
def test_a_damaged_entry_of_features_is_noticed(tmp_path: Path, name: str) -> None:
    entry = _entry(tmp_path)
    whole = (entry / name).read_bytes()
    for data in damages(whole, 3):
        (entry / name).write_bytes(data)
        try:
            found = read_entry(entry, KEY)
        except InputError:
            continue
        assert found is not None  # a change between words, as of a space
        assert found.most_frames == 9
        assert torch.equal(found.features["x"], ROWS)


def test_an_entry_from_before_it_held_its_own_hash_is_still_read(tmp_path: Path) -> None:
    entry = _entry(tmp_path)
    content = json.loads((entry / "entry.json").read_text())
    del content["sha256"]
    (entry / "entry.json").write_text(json.dumps(content))
    found = read_entry(entry, KEY)
    assert found is not None
    assert torch.equal(found.features["x"], ROWS)


def test_missing_tensors_are_computed_again(tmp_path: Path, capsys: Any) -> None:
    entry = _entry(tmp_path)
    (entry / "x.npy").unlink()
    assert FeatureCache(entry, KEY, 6).read(report=True) is None
    assert "computing it again" in capsys.readouterr().err


def test_an_unfinished_entry_with_damaged_progress_is_begun_anew(tmp_path: Path) -> None:
    with EntryWriter(tmp_path / "entry", KEY, 6) as writer:
        writer.add({"x": ROWS[:4]}, 7)
    progress = tmp_path / ".entry.part" / "progress.json"
    tensor = tmp_path / ".entry.part" / "x.npy"
    whole, rows = progress.read_bytes(), tensor.read_bytes()
    for data in damages(whole, 11):
        tensor.parent.mkdir(exist_ok=True)
        progress.write_bytes(data)
        tensor.write_bytes(rows)
        with EntryWriter(tmp_path / "entry", KEY, 6) as writer:
            assert writer.rows in (0, 4)


Keep = Callable[[Any, Callable[[], Any]], Any]

KEPT: dict[str, tuple[Keep, Callable[[], Any]]] = {
    "numbers": (
        lambda split, compute: stored_measure(split, "a-1", compute).tolist(),
        lambda: np.array([1.25, 2.5]),
    ),
    "arrays": (
        lambda split, compute: {
            name: values.tolist() for name, values in stored_arrays(split, "a-1", compute).items()
        },
        lambda: {"hashes": np.array([-(2**63), 2**63 - 1]), "seen": np.array([[True], [False]])},
    ),
}


@pytest.mark.parametrize("kind", KEPT)
def test_damaged_measures_are_made_again(tmp_path: Path, kind: str) -> None:
    keep, compute = KEPT[kind]
    (tmp_path / "dvtr" / "toy").mkdir(parents=True)
    split = SimpleNamespace(
        folder=tmp_path / "dvtr" / "toy",
        fingerprint="f" * 64,
        name="test",
        video_ids=("a", "b"),
    )
    expected = keep(split, compute)
    (path,) = (path for path in (tmp_path / "dvtr" / ".measures").rglob("*") if path.is_file())
    whole = path.read_bytes()
    for data in damages(whole, 19):
        path.write_bytes(data)
        assert keep(split, compute) == expected
