import collections
import os
import pickle
import time
from pathlib import Path

import pytest

from builders.sources.safe_pickle import load_pickle
from dvtr_bench.errors import AnnotationError, UnsafePickleError


class Exploding:
    def __reduce__(self):
        return os.system, ("touch exploded",)


class Extension:
    def __reduce_ex__(self, protocol):
        return "Extension"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_dicts_lists_and_strings_come_back(tmp_path: Path, protocol: int) -> None:
    value = {"Baseball_010 ": [["a", "b。"], []], "x": [], "y": {}}
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    assert load_pickle(path) == value


def test_what_stands_in_it_twice_is_one_object(tmp_path: Path) -> None:
    words = ["a", "road"]
    path = tmp_path / "a.pkl"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps({"x": [words, words], "y": [words]}, protocol))
        assert load_pickle(path) == {"x": [words, words], "y": [words]}


def test_strings_of_python_2(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    # What Python 2.7 wrote for {'a\n': ['caf\xc3\xa9', u'\u8def']}, in its three protocols.
    for data in (
        b"(dp0\nS'a\\n'\np1\n(lp2\nS'caf\\xc3\\xa9'\np3\naV\\u8def\np4\nas.",
        b"}q\x00U\x02a\nq\x01]q\x02(U\x05caf\xc3\xa9q\x03X\x03\x00\x00\x00\xe8\xb7\xafq\x04es.",
        b"\x80\x02}q\x00U\x02a\nq\x01]q\x02(U\x05caf\xc3\xa9q\x03X\x03\x00\x00\x00\xe8\xb7\xafq\x04es.",
    ):
        path.write_bytes(data)
        assert load_pickle(path) == {"a\n": ["café", "路"]} == pickle.loads(data, encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Exploding(), "system"),
        ({"a": [Exploding()]}, "system"),
        (collections.OrderedDict(a=[]), "OrderedDict"),
        (Path("a"), "Path"),
        ({"a": 1}, "int"),
        ({"a": ("b", "c")}, "tuple"),
        ({"a": (1, 2)}, "int"),
        ({("a",): "b"}, "tuple"),
        ({"a": b"bytes"}, "bytes"),
        ({"a": {"b"}}, "set"),
        ({"a": None}, "NoneType"),
    ],
)
def test_anything_else_is_refused_by_name_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(UnsafePickleError, match=named):
        load_pickle(path)
    assert not (tmp_path / "exploded").exists()


def test_persistent_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(b"\x80\x04\x8c\x01aQ.")
    with pytest.raises(UnsafePickleError, match="an external object"):
        load_pickle(path)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x80\x04}\x94(", b"\x80\x04", b"\x00" * 50])
def test_damaged_files_are_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(data)
    with pytest.raises(AnnotationError, match=r"a\.pkl: not a complete pickle"):
        load_pickle(path)


def test_the_real_file_takes_little_more_than_the_loader_that_runs_anything(
    published_annotations: Path,
) -> None:
    # Both in one run, since machines differ. Ours is Python, theirs C: a ratio of 5 to 8.
    path = published_annotations / "umcrd" / "raw-captions.pkl"
    assert len(load_pickle(path)) == 4235
    seconds = {load: [] for load in (load_pickle, lambda path: pickle.loads(path.read_bytes()))}
    for load in [*seconds] * 3:
        started = time.process_time()
        load(path)
        seconds[load].append(time.process_time() - started)
    ours, theirs = (min(runs) for runs in seconds.values())
    assert ours < 25 * theirs
