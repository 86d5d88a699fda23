import multiprocessing
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.reader import BuiltDataset, find_datasets, open_dataset
from dvtr_bench.dataset.split import RetrievalSplit
from dvtr_bench.errors import InputError, NotFoundError
from tests.builders.tiny_clips import TinyClips


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two datasets: `mine` with frames, `texts` without."""
    folder = tmp_path_factory.mktemp("reader")
    names = [f"{number}.mp4" for number in range(20)]
    clips = TinyClips().write_folder(folder / "clips", names)
    table = folder / "captions.csv"
    rows = "".join(f"{name},one {name},two {name},test,c{name[0]}\n" for name in names)
    table.write_text(f"file_name,caption_1,caption_2,split,category\n{rows}")
    settings = BuildSettings(root=folder / "dvtr", name="mine", workers=0, progress=False)
    build("folder", {"clips": clips, "captions": table}, settings)
    settings = BuildSettings(root=folder / "dvtr", name="texts", frames=None, progress=False)
    build("folder", {"captions": table}, settings)
    return folder / "dvtr"


@pytest.fixture
def mine(root: Path) -> BuiltDataset:
    return open_dataset(root / "mine")


def test_a_split_is_what_the_harness_wants(mine: BuiltDataset) -> None:
    split = mine.split("test")
    assert isinstance(split, RetrievalSplit)
    assert split.video_ids == tuple(str(number) for number in range(20))
    assert split.caption_ids[:3] == ("0#0", "0#1", "1#0")
    assert split.captions[2:4] == ("one 1.mp4", "two 1.mp4")
    assert split.caption_video_index.tolist() == [number // 2 for number in range(40)]
    assert split.caption_video_index.dtype == np.int64
    assert split.categories[12] == "c1"
    assert (split.dataset_name, split.name, split.sampling) == ("mine", "test", "uniform:12")
    assert split.fingerprint == mine.manifest.fingerprint
    assert split.row(19)["video_id"] == "19"
    assert "frames" not in split.row(19)
    assert "videos=20" in repr(split)


def test_frames_in_any_order_are_those_of_the_file(mine: BuiltDataset) -> None:
    split = mine.split("test")
    (name,) = mine.manifest.splits["test"].paths("default")
    table = pq.read_table(mine.folder / name)
    assert pq.ParquetFile(mine.folder / name).num_row_groups == 2
    for number in (19, 0, 15, 16, 3):
        stored = [image["bytes"] for image in table["frames"][number].as_py()]
        assert split.encoded_frames(number) == stored
        frames = split.frames(number)
        assert len(frames) == 12
        assert all(frame.dtype == np.uint8 and frame.shape == (224, 298, 3) for frame in frames)


@pytest.mark.parametrize("number", [-1, 20])
def test_rows_that_are_not_there(mine: BuiltDataset, number: int) -> None:
    for read in (mine.split("test").frames, mine.split("test").row):
        with pytest.raises(IndexError, match=str(number)):
            read(number)


def first_pixel(split: RetrievalSplit) -> list[int]:
    return split.frames(5)[0][0, 0].tolist()


def test_splits_go_to_other_processes(mine: BuiltDataset) -> None:
    split = mine.split("test")
    expected = first_pixel(split)
    assert len(pickle.dumps(split)) < 10_000
    assert first_pixel(pickle.loads(pickle.dumps(split))) == expected
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(first_pixel, [split, split]) == [expected, expected]


def test_threads_never_get_the_frames_of_another_row(mine: BuiltDataset) -> None:
    split = mine.split("test")
    expected = [split.encoded_frames(number) for number in range(20)]
    numbers = [number for pair in zip(range(10), range(19, 9, -1), strict=True) for number in pair]
    with ThreadPoolExecutor(8) as pool:
        for number, found in zip(
            numbers * 20, pool.map(split.encoded_frames, numbers * 20), strict=True
        ):
            assert found == expected[number]


def test_annotations_only(root: Path) -> None:
    split = open_dataset("texts", root).split("test")
    assert not split.has_frames
    assert split.sampling == "none"
    assert split.row(0)["clip_sha256"] is None
    with pytest.raises(NotFoundError, match="--annotations-only"):
        split.frames(0)


def test_names_and_folders(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    for name in ("mine", "dvtr/mine", Path("dvtr/mine"), root / "mine"):
        assert open_dataset(name).name == "mine"
    assert [dataset.name for dataset in find_datasets()] == ["mine", "texts"]
    assert find_datasets(root / "nowhere") == []
    with pytest.raises(NotFoundError, match=r"Did you mean mine\?.*Built under dvtr: mine, texts"):
        open_dataset("mime")
    with pytest.raises(NotFoundError, match=r"dvtr-bench build aerosynth "):
        open_dataset("aerosynth-small")
    with pytest.raises(NotFoundError, match="has no train split: it has test"):
        open_dataset("mine").split("train")


def test_an_unfinished_build_says_so(tmp_path: Path) -> None:
    (tmp_path / ".mine.building").mkdir()
    with pytest.raises(NotFoundError, match="not finished.*again"):
        open_dataset("mine", tmp_path)
    assert find_datasets(tmp_path) == []


def test_damaged_files(root: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(root / "mine", tmp_path / "mine"))
    (data,) = (folder / "data").iterdir()
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a complete Parquet file"):
        open_dataset(folder).split("test").frames(0)
    data.unlink()
    with pytest.raises(NotFoundError, match="is missing but is listed in the dataset's manifest"):
        open_dataset(folder).split("test").frames(0)
    data.write_bytes(whole)
    shutil.copy(root / "texts" / "captions" / "test.parquet", folder / "captions")
    assert open_dataset(folder).split("test").captions[0] == "one 0.mp4"
