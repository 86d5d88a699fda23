"""Datasets of other than 12 frames a clip, from build through training, evaluation and search."""

from pathlib import Path

import pytest

import dvtr_bench as dvtr
from dvtr_bench.cli import main
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.models.entry import model_entry
from tests.builders.tiny_clips import TinyClips


@pytest.fixture(scope="module", params=[5, 20])
def dataset(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset built on the command line with ``--frames N``; its folder."""
    folder = tmp_path_factory.mktemp("frames")
    splits = ["train"] * 4 + ["validation"] * 2 + ["test"] * 3
    names = [f"{number}.mp4" for number in range(len(splits))]
    TinyClips().write_folder(folder / "clips", names)
    rows = [
        f"{name},the number {number},{split}"
        for number, (name, split) in enumerate(zip(names, splits, strict=True))
    ]
    (folder / "captions.csv").write_text("\n".join(["file_name,caption,split", *rows]))
    command = ["build", "folder", "--clips", folder / "clips", "--captions"]
    command += [folder / "captions.csv", "--name", "mine", "--root", folder / "dvtr"]
    command += ["--workers", "0", "--frames", str(request.param)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["dvtr-bench", *map(str, command)])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code in (0, None)
    return folder / "dvtr" / "mine"


def frames_of(built: BuiltDataset) -> int:
    assert built.manifest.frames is not None
    return int(built.manifest.frames.sampling.removeprefix("uniform:"))


@pytest.mark.parametrize("model", ["xclip"])
def test_a_model_is_trained_on_all_frames(dataset: Path, model: str, tmp_path: Path) -> None:
    built = dvtr.open_dataset(dataset)
    stored = frames_of(built)
    assert len(built["test"][0].frames) == stored
    quiet = {"device": "cpu", "show_progress": False}
    run = dvtr.train(model, built, backbone="tiny", epochs=1, runs=tmp_path / "runs", **quiet)
    loaded = dvtr.load_model(run, device="cpu")
    assert loaded.config.max_frames == stored
    encoded = loaded.preprocess([built["test"][0].frames])
    assert encoded["frame_mask"].tolist() == [[True] * stored]
    result = dvtr.evaluate(run, built, **quiet)
    assert result.record.model.config["max_frames"] == stored
    found = dvtr.search("the number 8", dataset=built, model=run, **quiet)
    assert len(found.clips) == 3


def test_a_model_without_training_looks_at_all_frames(dataset: Path) -> None:
    built = dvtr.open_dataset(dataset)
    model = dvtr.load_model("clip_zeroshot", dataset=built, backbone="tiny", device="cpu")
    assert model.config.max_frames == frames_of(built)


def test_what_the_user_says_stays(dataset: Path) -> None:
    manifest = dvtr.open_dataset(dataset).manifest
    entry = model_entry("msam")
    assert entry.settings_for({"max_frames": 12}, manifest) == {"max_frames": 12}
    assert entry.settings_for({}, manifest)["max_frames"] != 12
