"""Whatever happens to a file of a dataset is found and named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.checks.verify.verify import verify_dataset
from dvtr_bench.dataset.manifest import read_manifest
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.errors import ConfigError
from tests.builders.forging import build_toy


def findings(folder: Path, *, decode: bool = False, fingerprint: str | None = None) -> list[str]:
    dataset = open_dataset(folder)
    found = verify_dataset(dataset, decode=decode, fingerprint=fingerprint, progress=False)
    return [str(finding) for finding in found.findings]


def parquet_files(folder: Path) -> list[str]:
    splits = read_manifest(folder).splits.values()
    return [file.path for split in splits for file in split.files]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("decode", [False, True])
def test_a_whole_dataset(toy: Path, decode: bool) -> None:
    assert findings(toy, decode=decode) == []


def test_a_whole_dataset_without_frames(tmp_path: Path) -> None:
    assert findings(build_toy(tmp_path, frames=None).folder, decode=True) == []


def test_names_that_are_no_file_names_to_parquet(tmp_path: Path) -> None:
    rows = ["a.mp4,one,two,test,x,CC0", "b.mp4,one ,\u3002,test,x,"]
    built = build_toy(tmp_path, [row.replace(".mp4", " 1.mp4") for row in rows], frames=None)
    assert findings(built.folder) == []


def test_several_shards(tmp_path: Path) -> None:
    folder = build_toy(tmp_path, shard_bytes=1).folder
    assert len(list(folder.glob("data/*.parquet"))) == 6
    assert findings(folder, decode=True) == []
    (shard,) = folder.glob("data/test-00001-of-00003.parquet")
    shard.unlink()
    assert findings(folder) == ["data/test-00001-of-00003.parquet: missing"]


def test_every_byte_counts(toy: Path) -> None:
    """One flipped bit anywhere is found, and the file named."""
    files = parquet_files(toy)
    for number, name in enumerate(files):
        place = (toy / name).stat().st_size * number // len(files)
        flip(toy / name, place)
        assert any(found.startswith(name) for found in findings(toy)), (name, place)
        flip(toy / name, place)
    assert findings(toy) == []


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_cut_files(toy: Path, share: float) -> None:
    for name in parquet_files(toy):
        data = (toy / name).read_bytes()
        (toy / name).write_bytes(data[: int(share * len(data))])
        told = findings(toy)
        expected = f"expected {len(data):,} bytes, found {int(share * len(data)):,}"
        assert told[0] == f"{name}: {expected}"
        assert any(f"{name}: not a complete Parquet file" in line for line in told)
        (toy / name).write_bytes(data)


def test_removed_and_added_files(toy: Path) -> None:
    for name in ("captions/test.parquet", "README.md", "build-report.json"):
        (toy / name).unlink()
    (toy / "data" / "test-00001-of-00002.parquet").write_bytes(b"x")
    (toy / "notes.txt").touch()
    # What systems and the Hub's client leave behind says nothing about a dataset.
    (toy / ".cache").mkdir()
    for name in (".DS_Store", ".gitattributes", ".cache/x"):
        (toy / name).touch()
    assert findings(toy) == [
        "README.md: missing",
        "build-report.json: missing",
        "captions/test.parquet: missing",
        "data/test-00001-of-00002.parquet: no file of this dataset: dataset.json does not name it",
        "notes.txt: no file of this dataset: dataset.json does not name it",
    ]


def test_a_file_that_is_a_link_is_whole(toy: Path, tmp_path: Path) -> None:
    """The Hub's cache keeps a dataset as links to its files."""
    linked = tmp_path / "linked"
    for path in toy.rglob("*"):
        if path.is_file():
            place = linked / path.relative_to(toy)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
    assert findings(linked) == []


@pytest.mark.parametrize(
    "exchange",
    [
        lambda folder: ("captions/test.parquet", "qrels/test.parquet"),
        lambda folder: ("captions/test.parquet", "captions/train.parquet"),
        lambda folder: tuple(sorted(parquet_files(folder))[:1]) + ("qrels/train.parquet",),
    ],
)
def test_exchanged_files(toy: Path, exchange: Callable[[Path], tuple[str, str]]) -> None:
    first, second = exchange(toy)
    shutil.copy(toy / first, toy / "kept")
    shutil.copy(toy / second, toy / first)
    (toy / "kept").rename(toy / second)
    told = "\n".join(findings(toy))
    assert f"{first}: " in told
    assert f"{second}: " in told


def test_a_damaged_picture_is_told_by_its_row(toy: Path) -> None:
    name = "data/test-00000-of-00001.parquet"
    pictures = pq.read_table(toy / name)["frames"].to_pylist()[1]
    data = (toy / name).read_bytes()
    picture = pictures[3]["bytes"]
    assert data.count(picture) == 1
    place = data.index(picture)

    def broken(start: int, stop: int) -> list[str]:
        blank = bytes(stop - start)
        (toy / name).write_bytes(data[: place + start] + blank + data[place + stop :])
        return findings(toy, decode=True)

    assert f"{name}: row 1 ('e'): frame 3: {len(picture):,} bytes that are no" in broken(0, 4)[1]
    told = broken(len(picture) - 2, len(picture))
    assert f"{name}: row 1 ('e'): frame 3: cut off" in told[1]
    assert len(told) == 2


@pytest.mark.parametrize("given", ["", "xyz", "abc", "z" * 12, "a" * 65])
def test_what_is_no_fingerprint(toy: Path, given: str) -> None:
    with pytest.raises(ConfigError, match="8 to 64 hex digits"):
        findings(toy, fingerprint=given)


def test_a_fingerprint_from_elsewhere(toy: Path) -> None:
    own = read_manifest(toy).fingerprint
    assert findings(toy, fingerprint=own[:12].upper()) == []
    other = "0123456789abcdef"
    assert findings(toy, fingerprint=other) == [
        f"dataset.json: expected the fingerprint {other}, found {own}: another dataset"
    ]
