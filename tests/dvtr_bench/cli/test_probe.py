"""`dvtr-bench probe`: arrays, scores and pictures of a trained MSAM, and clear errors."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from builders.build import build, build_source
from builders.datasets import aerosynth
from builders.engine.settings import BuildSettings
from dvtr_bench.cli import make_app
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.runtime.checkpoint import RUN_FILE, save_checkpoint, write_json
from tests.builders.datasets.test_geotext1652 import write_pictures
from tests.builders.published_forms import write_geotext
from tests.fixtures.small_clip import SMALL_CONFIG
from tests.fixtures.tiny_dataset import build_tiny, small_model

pytestmark = pytest.mark.slow

RUNS = {
    "whole": ("msam", {}),
    "grid": ("msam", {"regions": "grid"}),
    "mean": ("clip4clip_meanp", {}),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three rendered clips with boxes, a dataset without, and a checkpoint of each kind."""
    folder = tmp_path_factory.mktemp("probe")
    source = aerosynth.read(aerosynth.Options())
    test = [clip for clip in source.clips if clip.split == "test"]
    clips = (*test[:3], *(replace(clip, split="train") for clip in test[3:4]))
    small = replace(source, clips=clips)
    built = build_source(
        small, BuildSettings(root=folder / "dvtr", workers=0, progress=False)
    ).dataset
    bare = build_tiny(folder)
    annotations = write_geotext(folder / "annotations", (3, 1))
    stills = {"annotations": annotations, "clips": write_pictures(folder / "stills", annotations)}
    settings = BuildSettings(root=folder / "dvtr", workers=0, progress=False)
    geotext = build("geotext1652", {**stills, "validation_fraction": 0.4}, settings).dataset
    for key, (name, settings) in RUNS.items():
        for dataset in (built, bare, geotext):
            run = folder / "runs" / dataset.name / name / key
            training = {
                "dataset": {"name": dataset.name, "fingerprint": dataset.manifest.fingerprint}
            }
            save_checkpoint(run / "epoch-001", small_model(name, **settings), training)
            write_json(run / RUN_FILE, {"best": "epoch-001", "updated_at": f"2026-{len(key)}"})
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    for name in ("dvtr", "runs"):
        (tmp_path / name).symlink_to(made / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setattr("baselines.encoder.frame_encoder.TINY_CONFIG", SMALL_CONFIG)

    def invoke(*words, dataset="aerosynth-small", key="grid", model="msam"):
        words = ["probe", "--dataset", dataset, "--model", model, *words]
        words += ["--checkpoint", f"runs/{dataset}/{RUNS[key][0]}/{key}"]
        result = CliRunner().invoke(make_app(), words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_a_model_with_regions_points(run, tmp_path) -> None:
    told = run("--pictures", "2")
    assert "3 videos" in told
    assert all(name in told for name in ("semantic map 7", "mean of the 7", "caption (w)"))
    with np.load(tmp_path / "probe" / "maps.npz", allow_pickle=False) as maps:
        assert maps["semantic_patches"].shape == (3, 12, 2, 2, 7)
        assert maps["text_patches"].shape == (15, 12, 2, 2)
        assert maps["video_ids"].shape == (3,)
    content = json.loads((tmp_path / "probe" / "pointing.json").read_text())
    assert content["split"] == "test"
    assert content["model"]["config"]["regions"] == "grid"
    for score in content["scores"]:
        assert 0 < score["uniform"] < 0.5
        assert score["mass_gain"][0] <= score["mass"] - score["uniform"] <= score["mass_gain"][1]
    pictures = sorted(path.name for path in (tmp_path / "probe").glob("*.png"))
    assert len(pictures) == 4
    assert {name.rpartition("-")[2] for name in pictures} == {"captions.png", "semantics.png"}
    assert all(f"wrote probe/{name}" in told for name in pictures)


def test_boxes_of_still_pictures_are_pointed_at(run, tmp_path) -> None:
    """GeoText-1652: each caption names the left half and the lower right corner of its picture."""
    told = run("--split", "validation", "--pictures", "1", dataset="geotext1652")
    assert "6 captions of 2 videos" in told
    scores = json.loads((tmp_path / "probe" / "pointing.json").read_text())["scores"]
    assert [score["name"] for score in scores][-3:] == [
        "mean of the 7",
        "caption (w)",
        "its block (a)",
    ]
    for score in scores:
        # Of 80 x 64 pixels the model sees the middle 64: the half is 0.5, the corner 0.25 x 0.2.
        assert score["uniform"] == pytest.approx(0.55, abs=1e-6)
        assert score["num_captions"] == 6
    with np.load(tmp_path / "probe" / "maps.npz", allow_pickle=False) as maps:
        cells = maps["text_patches"][:, 0]
    inside = np.array([[1, 0], [1, 0.2]])  # of the lower right quarter half by two fifths
    masses = (cells * inside).sum(axis=(1, 2)) / cells.sum(axis=(1, 2))
    assert scores[-2]["mass"] == pytest.approx(masses.mean(), abs=1e-6)
    for path in (tmp_path / "probe").glob("*.png"):
        with Image.open(path) as sheet:
            # Above 190 pixels of labels and 124 of the frame: title and note need more.
            assert sheet.width > 500
    told = run("--pictures", "0", dataset="geotext1652")
    assert "no caption of the test split names an object in view" in told


def test_a_model_of_whole_frames_says_that_it_does_not_point(run, tmp_path) -> None:
    told = run("--pictures", "0", key="whole")
    assert "no pointing score: this model looks at whole frames" in told
    assert not (tmp_path / "probe" / "pointing.json").exists()
    assert "wrote probe/maps.npz" in told


def test_named_clips_are_drawn_and_their_ids_stay_in_the_folder(run, tmp_path) -> None:
    told = run("--video-id", "clip 3", "--out", "of/it", dataset="tiny")
    assert "does not say where its objects are" in told
    row = "00001-clip 3"
    assert {path.name for path in (tmp_path / "of" / "it").iterdir()} == {
        *("maps.npz", f"{row}-captions.png", f"{row}-semantics.png"),
    }
    with Image.open(tmp_path / "of" / "it" / f"{row}-captions.png") as sheet:
        assert sheet.width > 400


def test_what_cannot_be_probed_is_told(run) -> None:
    with pytest.raises(NotFoundError, match="has no video 'nowhere': its ids are such as"):
        run("--video-id", "nowhere")
    with pytest.raises(ConfigError, match="clip4clip_meanp has no maps"):
        run(model="clip4clip_meanp", key="mean")
    with pytest.raises(ConfigError, match="is no msam"):
        run(key="mean")
