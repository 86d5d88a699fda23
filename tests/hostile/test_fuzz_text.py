"""Valid files with anything changed in them end in a value or in our error, in bounded memory."""

import copy
import io
import json
import pickle
import random
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.datasets import folder as folder_builder
from builders.engine.check import check_source
from builders.sources.safe_pickle import load_pickle
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.errors import DvtrError
from dvtr_bench.reading import parquet_files
from dvtr_bench.results.checks import completed
from dvtr_bench.results.files import from_text, to_text
from tests.fixtures.records import toy_record
from tests.hostile.case import bounded
from tests.hostile.making import caption_table, video_table, write_dataset

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is bounded as Linux does it"
)

Read = Callable[[Path], object]
FEW, MANY = 40, 4_000
"""Examples of each kind of file: in CI, and by `nox -s torture`."""

HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0),
    *(
        1e308,
        float("nan"),
        float("inf"),
        "",
        "x",
        "\0",
        "\x1b[2J",
        "\u202e",
        "\ud800",
        "../..",
        "/etc",
    ),
    *("a" * 70_000, "=cmd", "NaN", "1", "['a', 'b'", '["\\ud800"]', [], [[]], [0] * 2_000, {}),
    *({"": 0}, {"a": {"b": []}}, {"\udc80": 1}, [None], [{"a": 1}], "9" * 5_000),
]


@cache
def result_bytes() -> bytes:
    return to_text(toy_record()).encode()


@cache
def dataset_files() -> dict[str, bytes]:
    """Return the files of the small dataset by path."""
    with tempfile.TemporaryDirectory() as name:
        folder = write_dataset(Path(name), video_table(), caption_table())
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def read_record(path: Path) -> object:
    return completed(from_text(path.read_bytes(), path.name), path.name)


def read_captions(path: Path) -> object:
    source = folder_builder.read(folder_builder.Options("mine", captions=path))
    check_source(source)
    return source


def read_measured(path: Path) -> object:
    """Read captions whose lengths are measured however small the file is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_files, "_SMALL_BYTES", 0)
        return read_captions(path)


def read_folder(path: Path) -> object:
    """Read all of the dataset to which a file belongs."""
    folder = path.parent if path.name == "dataset.json" else path.parents[1]
    split = open_dataset(folder)["test"]
    for video in split:
        split.row(video.row)
        split.frames(video.row)
    return len(split.captions)


ROWS = [
    {
        "file_name": f"{n}.mp4",
        "caption": f'a "red" car, {n}',
        "split": "test",
        "id": n,
        "group": "g",
    }
    for n in range(5)
]
CSV = "\n".join(
    ["file_name,caption,split,id,start_seconds"]
    + [f'{n}.mp4,"a ""red"" car, {n}",test,{n},{n / 2}' for n in range(6)]
)
WORDS = {f"v{n}": [["a", "red", "car"], ["a", "road", str(n)]] for n in range(6)}

JSON_FILES: dict[str, tuple[str, Callable[[], bytes], Read]] = {
    "results": ("run.json", result_bytes, read_record),
    "caption JSON": ("a.json", lambda: json.dumps(ROWS).encode(), read_captions),
    "dataset.json": ("dataset.json", lambda: dataset_files()["dataset.json"], read_folder),
}
FILES: dict[str, tuple[str, Callable[[], bytes], Read]] = {
    **JSON_FILES,
    "caption CSV": ("a.csv", CSV.encode, read_captions),
    "caption JSONL": ("a.jsonl", lambda: "\n".join(map(json.dumps, ROWS)).encode(), read_captions),
    "pickles": ("c.pkl", lambda: pickle.dumps(WORDS), load_pickle),
    "pickles of protocol 0": ("c.pkl", lambda: pickle.dumps(WORDS, 0), load_pickle),
    "caption Parquet": ("a.parquet", lambda: caption_parquet(), read_captions),
    "Parquet of texts that repeat": ("a.parquet", lambda: repeating_parquet(), read_measured),
    "videos": (
        "data/default.parquet",
        lambda: dataset_files()["data/default.parquet"],
        read_folder,
    ),
    "captions": (
        "data/captions.parquet",
        lambda: dataset_files()["data/captions.parquet"],
        read_folder,
    ),
}


@cache
def caption_parquet() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.parquet"
        pq.write_table(caption_table(), path)
        return path.read_bytes()


@cache
def repeating_parquet() -> bytes:
    sink = io.BytesIO()
    columns = [name for name in caption_table().column_names if name != "caption"]
    encodings = {"caption": "DELTA_BYTE_ARRAY", **dict.fromkeys(columns, "PLAIN")}
    pq.write_table(caption_table(), sink, use_dictionary=False, column_encoding=encodings)
    return sink.getvalue()


def mutated(data: bytes, seed: int) -> bytes:
    """Return bytes with a few places flipped, cut, doubled or replaced; at their end most often."""
    draw = random.Random(seed)
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        size = len(changed)
        place = draw.randrange(size + 1)
        if draw.random() < 0.3:
            place = size - min(size, draw.randrange(1, 400))
        end = place + draw.choice((1, 1, 2, 4, 8, 100))
        action = draw.randrange(7)
        if action == 0:
            changed[place:end] = bytes(
                byte ^ (1 << draw.randrange(8)) for byte in changed[place:end]
            )
        elif action == 1:
            del changed[place:]
        elif action == 2:
            del changed[place:end]
        elif action == 3:
            changed[place:place] = changed[place:end] * draw.choice((1, 3, 1_000))
        elif action == 4:
            changed[place:end] = draw.randbytes(end - place)
        elif action == 5:
            changed[place:end] = draw.choice((b"\0", b"\xff", b"\x7f")) * (end - place)
        else:
            changed[place:place] = draw.choice(
                (b"[", b'"', b"{", b",", b"\\ud800", b"9" * 400, b".")
            )
    return bytes(changed)


def with_hostile_value(data: bytes, seed: int) -> bytes:
    """Return JSON with one or two of its values replaced, or a key renamed."""
    draw = random.Random(seed)
    whole = [json.loads(data)]
    for _ in range(draw.choice((1, 1, 2))):
        places = list(_places(whole))
        owner, key = draw.choice(places)
        if isinstance(owner, dict) and draw.random() < 0.15:
            owner[str(draw.choice(HOSTILE))] = owner.pop(key)
        elif isinstance(owner, dict) and draw.random() < 0.1:
            del owner[key]
        else:
            owner[key] = copy.deepcopy(draw.choice(HOSTILE))  # it may be changed next
    return json.dumps(whole[0]).encode()


def _places(value: Any) -> Any:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys)[:40]:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def try_one(kind: str, change: Callable[[bytes, int], bytes], seed: int) -> bool:
    """Read a changed file and return whether it was refused; all but our error is raised."""
    name, make, read = FILES[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if read is read_folder:
            for other, content in dataset_files().items():
                (path.parent if "/" in name else Path(folder)).mkdir(exist_ok=True)
                (Path(folder) / other).parent.mkdir(exist_ok=True)
                (Path(folder) / other).write_bytes(content)
        path.write_bytes(change(make(), seed))
        try:
            with bounded():
                read(path)
        except DvtrError:
            return True
    return False


SEEDS = st.integers(0, 2**64)
QUICK = settings(
    max_examples=FEW,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(QUICK, max_examples=MANY, derandomize=False)


@pytest.mark.parametrize("kind", FILES)
def test_unchanged_files_are_read(kind: str) -> None:
    assert not try_one(kind, lambda data, seed: data, 0)


@pytest.mark.parametrize("kind", FILES)
@QUICK
@given(seed=SEEDS)
def test_changed_bytes(kind: str, seed: int) -> None:
    try_one(kind, mutated, seed)


@pytest.mark.parametrize("kind", JSON_FILES)
@QUICK
@given(seed=SEEDS)
def test_changed_values(kind: str, seed: int) -> None:
    try_one(kind, with_hostile_value, seed)


@pytest.mark.torture
@pytest.mark.parametrize("kind", FILES)
@LONG
@given(seed=SEEDS)
def test_many_changed_bytes(kind: str, seed: int) -> None:
    try_one(kind, mutated, seed)


@pytest.mark.torture
@pytest.mark.parametrize("kind", JSON_FILES)
@LONG
@given(seed=SEEDS)
def test_many_changed_values(kind: str, seed: int) -> None:
    try_one(kind, with_hostile_value, seed)
