"""Heads are trained from what others published, to the same weights and without a frame."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import dvtr_bench as dvtr
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.runtime.checkpoint import load_checkpoint
from dvtr_bench.training.published_features import write_published
from dvtr_bench.training.recipe import Recipe
from tests.fixtures.tiny_dataset import build_tiny, copy_tiny

MODELS = ("msam", "clip4clip_meanp")
HOW = {"backbone": "tiny", "epochs": 1, "batch_size": 2, "freeze": "backbone", "device": "cpu"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> BuiltDataset:
    """A dataset with the features of ``tiny`` beside it, as it comes from the Hub."""
    built = build_tiny(tmp_path_factory.mktemp("published"))
    made = write_published(built, "tiny", MODELS, show_progress=False)
    assert (made.name, made.models) == ("tiny", MODELS)
    shutil.rmtree(built.folder.parent / ".embeddings")
    return built


def train(model: str, built: BuiltDataset, runs: Path, features: str) -> TrainedRun:
    return dvtr.train(
        model, built, recipe={"features": features}, runs=runs, show_progress=False, **HOW
    )


@pytest.mark.parametrize("model", MODELS)
def test_the_weights_are_those_of_own_features(
    model: str, published: BuiltDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copy_tiny(published, tmp_path)
    own = load_checkpoint(train(model, copy, tmp_path / "own", "own").checkpoint)
    shutil.rmtree(copy.folder.parent / ".embeddings")
    # One frame is looked at, to learn what the tower returns of it.
    real, rows = DatasetSplit.frames, set()

    def counted(split: DatasetSplit, row: int) -> object:
        rows.add((split.name, row))
        return real(split, row)

    monkeypatch.setattr(DatasetSplit, "frames", counted)
    run = train(model, copy, tmp_path / "theirs", "published")
    assert rows <= {("train", 0), ("validation", 0)}
    assert not (copy.folder.parent / ".embeddings").exists()
    for name, value in load_checkpoint(run.checkpoint).state_dict().items():
        torch.testing.assert_close(value, own.state_dict()[name], rtol=0, atol=0, msg=name)
    assert json.loads((run.folder / "run.json").read_text())["setup"]["recipe"]["features"] == (
        "published"
    )


def test_no_test_split_is_published(published: BuiltDataset) -> None:
    names = {path.name.split("-")[0] for path in (published.folder / "features").glob("*/*-*")}
    assert names == {"train", "validation"}


def test_what_is_there_is_not_computed_again(published: BuiltDataset, tmp_path: Path) -> None:
    copy = copy_tiny(published, tmp_path)
    files = sorted((copy.folder / "features").rglob("*.npy"))
    damaged, kept = files[0], files[-1]
    before = damaged.read_bytes(), kept.stat().st_mtime_ns
    damaged.write_bytes(before[0][:-4] + b"else")
    write_published(copy, "tiny", MODELS, show_progress=False)
    assert (damaged.read_bytes(), kept.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("none", "features: no features of train texts that fit. There are none"),
        ("damage", "is damaged: its size or SHA-256 differs"),
        ("weights", r"tiny \(weights_sha256 0000.*, here [0-9a-f]+"),
        ("build", r"tiny \(of fingerprint 0000.*, here [0-9a-f]{12}"),
    ],
)
def test_what_does_not_fit_is_said(
    change: str, message: str, published: BuiltDataset, tmp_path: Path
) -> None:
    copy = copy_tiny(published, tmp_path)
    place = copy.folder / "features"
    (texts,) = place.glob("tiny/train-texts-*/token_embeds.npy")
    if change == "none":
        shutil.rmtree(place)
    elif change == "damage":
        texts.write_bytes(texts.read_bytes()[:-4] + b"else")
    else:
        for path in place.glob("tiny/*/entry.json"):
            entry = json.loads(path.read_text())
            part = entry["key"]["model"] if change == "weights" else entry["key"]
            part["weights_sha256" if change == "weights" else "fingerprint"] = "0" * 64
            path.write_text(json.dumps(entry))
            # Its name holds the hash of its key.
            path.parent.rename(path.parent.with_name(path.parent.name[:-4] + "0000"))
    with pytest.raises(InputError, match=message):
        train("msam", copy, tmp_path / "runs", "published")


def test_trained_towers_read_no_features() -> None:
    with pytest.raises(ConfigError, match="it needs freeze=backbone or freeze=frames"):
        Recipe(features="published")


def test_a_dataset_without_frames_has_none(published: BuiltDataset, tmp_path: Path) -> None:
    from builders.publishing.annotations_only import strip_frames

    bare = strip_frames(published, tmp_path / "bare")
    with pytest.raises(InputError, match="made of the frames of train and validation"):
        write_published(open_dataset(bare.folder), "tiny", MODELS, show_progress=False)


def test_models_without_a_backbone_are_named(published: BuiltDataset) -> None:
    with pytest.raises(ConfigError, match="clip_zeroshot takes no features"):
        write_published(published, "tiny", ["clip_zeroshot"], show_progress=False)
