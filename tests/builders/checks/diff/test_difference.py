"""What two builds differ in, made by building twice from changed input."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from builders.checks.diff.difference import Change, Difference, compare_datasets
from builders.checks.diff.printing import print_difference, write_difference
from builders.engine.settings import FrameSettings
from builders.sources.locate import LocatedDataset, locate_dataset
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.video.frame_store import FrameFormat
from dvtr_bench.video.sampling import Sampling
from tests.builders.forging import build_toy, change_values, toy_rows

KINDS = "added removed renamed moved footage captions categories columns".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("versions")


@pytest.fixture(scope="module")
def first(folder: Path) -> BuiltDataset:
    return build_toy(folder, name="first")


def compared(a: BuiltDataset, b: BuiltDataset) -> Difference:
    sides = locate_dataset(str(a.folder)), locate_dataset(str(b.folder))
    return compare_datasets(*sides, progress=False)


def built_with(folder: Path, changes: dict[int, tuple[str, str]], name: str) -> BuiltDataset:
    rows = toy_rows()
    for place, (before, after) in changes.items():
        assert before in rows[place]
        rows[place] = rows[place].replace(before, after)
    return build_toy(folder, rows, name)


def found(difference: Difference) -> dict[str, tuple[Any, ...]]:
    return {kind: value for kind in KINDS if (value := getattr(difference, kind))}


def test_a_build_and_itself(first: BuiltDataset, capsys: pytest.CaptureFixture[str]) -> None:
    difference = compared(first, first)
    assert found(difference) == {}
    assert difference.settings == ()
    assert difference.rows_are_equal
    print_difference(difference, 5)
    assert "the same rows and settings: the fingerprints are equal" in capsys.readouterr().out


def test_everything_that_can_be_otherwise(folder: Path, first: BuiltDataset) -> None:
    rows = toy_rows()
    rows[0] = rows[0].replace("boat a", "a blue boat")  # edited
    rows[1] = rows[1].replace("boat b,a lake from above", "a lake from above,")  # one taken away
    rows[2] = rows[2].replace("validation", "train")  # moved
    rows[3] = rows[3].replace("sea", "air").replace("CC0", "CC-BY")
    del rows[4]
    rows[4] = rows[4].replace("f.mp4", "g.mp4")  # under another id
    second = build_toy(folder, rows, "second", clips_of="abcdeff")
    difference = compared(first, second)
    assert found(difference) == {
        "added": (Change("g", None, "test"),),
        "removed": (Change("e", "test", None), Change("f", "test", None)),
        "renamed": (Change("f", "f", "g"),),
        "moved": (Change("c", "validation", "train"),),
        "captions": (
            Change("a", "boat a", "a blue boat", caption=0),
            Change("b", "boat b", None, caption=0),
        ),
        "categories": (Change("d", "sea", "air"),),
        "columns": (Change("d", "CC0", "CC-BY", column="licence"),),
    }
    assert difference.footage_compared
    backwards = compared(second, first)
    assert backwards.added == (Change("e", None, "test"), Change("f", None, "test"))
    assert backwards.captions[1] == Change("b", None, "boat b", caption=0)


def test_other_footage(folder: Path, first: BuiltDataset) -> None:
    second = build_toy(folder, name="footage", clips_of="accdef")
    difference = compared(first, second)
    (change,) = difference.footage
    assert change.video_id == "b"
    assert change.b == second.split("validation").row(0)["clip_sha256"]
    assert found(difference).keys() == {"footage"}


def test_the_same_footage_decoded_otherwise(
    folder: Path, first: BuiltDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = FrameSettings(Sampling.parse("3"), FrameFormat("png"))
    difference = compared(first, build_toy(folder, name="png", frames=frames))
    assert found(difference) == {}
    settings = {change.name: (change.a, change.b) for change in difference.settings}
    assert settings["frames: sampling"] == ("uniform:12", "uniform:3")
    assert settings["frames: image_format"] == ("jpeg:94:4:4:4", "png")
    print_difference(difference, 2)
    told = capsys.readouterr().out
    assert "  frames: sampling: 'uniform:12' -> 'uniform:3'" in told
    assert told.endswith("the same videos, captions and splits; the settings above differ\n")


def test_other_facts_of_the_same_footage(folder: Path, first: BuiltDataset) -> None:
    second = build_toy(folder, name="facts")
    path = second.folder / "data" / "test-00000-of-00001.parquet"
    change_values(path, "source_codec", lambda values: ["av1", *values[1:]])
    change_values(path, "frame_pts_seconds", lambda values: [*values[:2], values[2][::-1]])
    d, f = compared(first, second).columns
    assert d == Change("d", "h264", "av1", column="source_codec")
    assert (f.video_id, f.column) == ("f", "frame_pts_seconds")
    assert f.a.startswith("sha256:")


def test_with_frames_and_without(
    folder: Path, first: BuiltDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    """Captions, splits and categories are compared; footage cannot be."""
    plain = build_toy(folder, name="plain", frames=None)
    for pair in ((first, plain), (plain, first)):
        difference = compared(*pair)
        assert found(difference) == {}
        assert not difference.footage_compared
    print_difference(difference, 5)
    told = capsys.readouterr().out
    assert "frames: sampling: none -> 'uniform:12'" in told
    assert "the same videos, captions and splits; the settings above differ; footage was" in told
    edited = build_toy(folder, [*toy_rows()[:5], toy_rows()[5] + "x"], "edited", frames=None)
    assert compared(first, edited).columns == (Change("f", "CC0", "CC0x", column="licence"),)


def test_rows_in_another_order(folder: Path, first: BuiltDataset) -> None:
    rows = toy_rows()
    second = build_toy(folder, [rows[1], rows[0], *rows[2:]], "reordered")
    difference = compared(first, second)
    assert difference.reordered == ("train",)
    assert found(difference) == {}
    assert not difference.rows_are_equal
    # A video that is gone or came puts no other out of order.
    assert compared(first, build_toy(folder, rows[1:], "fewer")).reordered == ()


def test_captions_are_aligned(folder: Path) -> None:
    one = build_toy(folder, ["a.mp4,x,y,test,,"], "one")
    two = build_toy(folder, ["a.mp4,y,z,test,,"], "two")
    assert compared(one, two).captions == (
        Change("a", "x", None, caption=0),
        Change("a", None, "z", caption=1),
    )


def test_long_lists_are_cut_on_screen_alone(
    folder: Path, first: BuiltDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row.replace("boat", "ship") for row in toy_rows()]
    difference = compared(first, build_toy(folder, rows, "ships"))
    print_difference(difference, 2)
    told = capsys.readouterr().out
    assert "captions edited: 6\n  'a' 0: 'boat a' -> 'ship a'\n  'b' 0: " in told
    assert "  and 4 more (--out FILE for all)" in told
    assert "'c' 0" not in told
    content = json.loads(write_difference(difference, tmp_path / "diff.json").read_text())
    assert len(content["captions"]) == 6
    assert content["captions"][5] == {
        "video_id": "f",
        "a": "boat f",
        "b": "ship f",
        "caption": 0,
    }
    assert content["a"]["fingerprint"] == first.manifest.fingerprint


class CountedFile(io.FileIO):
    """Adds up what is read from it."""

    num_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = super().read(size)
        CountedFile.num_bytes += len(data)
        return data


def test_frames_are_not_read(folder: Path) -> None:
    """Neither into memory nor from where the files lie."""
    built = build_toy(folder, name="large", frames=FrameSettings(frame_format=FrameFormat("png")))
    side = LocatedDataset("here", built.manifest, lambda path: CountedFile(built.folder / path))
    assert compare_datasets(side, side, progress=False).rows_are_equal
    files = list((built.folder / "data").iterdir())
    assert sum(path.stat().st_size for path in files) > 1_500_000
    # The end of a file, of which PyArrow reads 64 kB at once, and the columns; files read twice.
    assert CountedFile.num_bytes < 2 * len(files) * 70_000


def test_damaged_rows_are_named(folder: Path, first: BuiltDataset) -> None:
    broken = build_toy(folder, name="broken")
    path = broken.folder / "data" / "test-00000-of-00001.parquet"
    change_values(path, "category", lambda values: values)
    data = bytearray(path.read_bytes())
    data[4:3000] = bytes(2996)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"broken: the test .* data/test.* rows 0 to 2 .*verify"):
        compared(first, broken)
    path.write_bytes(data[:-10])
    with pytest.raises(InputError, match="broken: the test split cannot be read: .*Parquet magic"):
        compared(first, broken)
    path.unlink()
    with pytest.raises(InputError, match="broken: the test split cannot be read: .*No such file"):
        compared(first, broken)


def test_what_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no dataset 'x' is built"):
        locate_dataset("x", tmp_path)
    (tmp_path / "dvtr").mkdir()
    with pytest.raises(NotFoundError, match="no dataset .* is built"):
        locate_dataset(str(tmp_path / "dvtr" / "x"))
