"""Tasks for mteb: mteb runs them from their folders, and its figures are ours."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import mteb
import numpy as np
import pytest
from typer.testing import CliRunner

import dvtr_bench as dvtr
from builders.exports.mteb import Options, export
from builders.mteb_tasks.tables import write_tables
from builders.mteb_tasks.task_file import module_name, task_source
from dvtr_bench.cli import make_app
from dvtr_bench.dataset.manifest import LicenceRecord, SourceRecord
from dvtr_bench.dataset.mteb_tasks import mteb_task_name
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.models.entry import model_entry
from tests.fixtures.mteb_models import (
    ColourEncoder,
    load_task,
    register,
    save_small_sentence_clip,
)
from tests.fixtures.tiny_dataset import build_tiny

OURS = {"t2v": {"hit_rate_at": "t2v"}, "v2t": {"hit_rate_at": "v2t_caption"}}
OURS["v2t"]["caption_set_hit_rate_at"] = "v2t"


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf-cache")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    # A text that videos share has equal scores, which mteb orders by ids.
    return build_tiny(tmp_path_factory.mktemp("tiny"), text_shared=False)


@pytest.fixture(scope="module")
def folders(built, tmp_path_factory) -> dict[str, Path]:
    (t2v, v2t), notes = export(
        built, tmp_path_factory.mktemp("export"), Options(private=True, progress=False)
    )
    assert not notes
    return {"t2v": t2v, "v2t": v2t}


def run(model: Any, task: Any, predictions: Path) -> dict[str, float]:
    """Let mteb evaluate a model on a task, without its cache."""
    result = mteb.evaluate(
        model,
        task,
        cache=None,
        co2_tracker=False,
        prediction_folder=predictions,
        show_progress_bar=False,
    )
    scores: dict[str, float] = result.task_results[0].scores["test"][0]
    return scores


@pytest.mark.parametrize(
    ("direction", "source"), [("t2v", "videos"), ("v2t", "videos"), ("v2t", "images")]
)
def test_hit_rates_of_mteb_are_our_recalls(
    direction, source, built, folders, monkeypatch, tmp_path
) -> None:
    if source == "videos":
        name = register(
            monkeypatch,
            "mteb/baseline-colours",
            ColourEncoder,
            ["text", "video"],
            loader_kwargs={"num_frames": 5},
        )
        settings = {}  # each direction has its own prompts
        model = mteb.get_model(name)
    else:
        name = str(save_small_sentence_clip(tmp_path / "small-clip"))
        settings = {"frames_to_video": "mean", "prompts": direction}
        ours = model_entry(f"mteb:{name}").build(settings)
        model = mteb.models.Video2ImagesWrapper(ours._encoder, num_frames=12)
    result = dvtr.evaluate(
        model_entry(f"mteb:{name}").build(settings), built, device="cpu", show_progress=False
    )
    task = load_task(folders[direction], mteb_task_name("tiny", direction))
    found = run(model, task, tmp_path / "predictions")
    assert not result.record.ties
    for theirs, way in OURS[direction].items():
        figures = result.record.metrics[way]["strict"]
        for k in (1, 5, 10):
            if (recall := figures.get(f"R@{k}")) is not None:
                assert found[f"{theirs}_{k}"] == pytest.approx(recall.value / 100, abs=1e-5)
    assert found["main_score"] == found["hit_rate_at_1"]
    # Some queries are found and some are not: the figures tell right from wrong.
    assert 0 < found["hit_rate_at_5"] < 1


def test_the_tables_have_mteb_s_columns_and_the_dataset_s_rows(built, folders) -> None:
    split = built["test"]
    tables = {
        (direction, config): datasets.load_dataset(str(folder), config, split="test")
        for direction, folder in folders.items()
        for config in ("corpus", "queries", "qrels")
    }
    for direction, texts, videos in (("t2v", "queries", "corpus"), ("v2t", "corpus", "queries")):
        table = tables[direction, texts]
        assert (tuple(table["id"]), tuple(table["text"])) == (split.caption_ids, split.captions)
        table = tables[direction, videos]
        assert tuple(table["id"]) == split.video_ids
        assert table.features["video"] == datasets.List(datasets.Image())
        for row, frames in enumerate(table["video"]):
            for image, frame in zip(frames, split.frames(row), strict=True):
                assert np.array_equal(np.asarray(image), frame)
    owners = [split.video_ids[row] for row in split.caption_video_index]
    qrels = tables["t2v", "qrels"]
    assert qrels.column_names == ["query-id", "corpus-id", "score"]
    pairs = list(zip(qrels["query-id"], qrels["corpus-id"], strict=True))
    assert pairs == list(zip(split.caption_ids, owners, strict=True))
    qrels = tables["v2t", "qrels"]
    assert list(zip(qrels["corpus-id"], qrels["query-id"], strict=True)) == pairs
    assert set(qrels["score"]) == {1}


def test_a_second_export_replaces_the_first_with_the_same_bytes(built, folders, tmp_path) -> None:
    for _ in range(2):
        again, _ = export(built, tmp_path, Options(private=True, progress=False))
    for folder, other in zip(again, folders.values(), strict=True):
        for path in other.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert (folder / path.relative_to(other)).read_bytes() == path.read_bytes()


def test_large_tables_are_files_of_whole_rows(built, tmp_path) -> None:
    files = write_tables(
        built["test"], "t2v", "frames", tmp_path, shard_bytes=1, show_progress=False
    )
    assert len(files["corpus"]) == 10
    assert files["corpus"][-1].startswith("corpus/test-00009-of-00010-")
    assert len(files["queries"]) == 1
    whole = datasets.load_dataset(
        "parquet", data_files=[str(tmp_path / path) for path in files["corpus"]], split="train"
    )
    assert tuple(whole["id"]) == built["test"].video_ids


@pytest.mark.parametrize("direction", ["t2v", "v2t"])
@pytest.mark.parametrize("pixels", ["frames", "clips"])
def test_texts_of_others_are_literals_in_the_code(built, direction, pixels) -> None:
    manifest = replace(
        built.manifest,
        name='9 "odd"\n$name',
        summary='""" + quit() + """ ${name} \\',
        citation="@a{b,\n title = {'''}\n}",
        homepage="javascript:alert(1)",
        built_with='"""\nquit()',
    )
    source = task_source(manifest, direction, pixels)
    values: dict[str, Any] = {"__file__": "here/task.py", "__name__": "task"}
    exec(compile(source, "task.py", "exec"), values)  # noqa: S102
    metadata = values[mteb_task_name(manifest.name, direction)].metadata
    assert metadata.name == f"Dataset9OddName{direction.upper()}"
    assert metadata.bibtex_citation == manifest.citation
    assert metadata.description.startswith(manifest.summary)
    assert (metadata.reference, metadata.category) == (None, direction)
    assert (metadata.type, metadata.main_score) == ("Any2AnyRetrieval", "hit_rate_at_1")
    assert module_name(manifest.name, direction) == f"dataset_9__odd___name_{direction}"


def test_the_licence_decides_what_is_written(built, tmp_path) -> None:
    manifest = built.manifest
    of_others = replace(
        manifest,
        licence=LicenceRecord("unknown", "Nobody says.", None),
        sources=(SourceRecord("a.csv", "https://example.org/a.csv", "0" * 64, True),),
    )
    with pytest.raises(InputError, match=r"holds frames of others' footage.*--private"):
        export(BuiltDataset(built.folder, of_others), tmp_path / "no")
    assert not (tmp_path / "no").exists()
    (folder, _), _ = export(
        BuiltDataset(built.folder, of_others), tmp_path, Options(private=True, progress=False)
    )
    assert "keep this repository private" in (folder / "README.md").read_text()
    without = replace(manifest, frames=None)
    with pytest.raises(NotFoundError, match="--annotations-only"):
        export(BuiltDataset(built.folder, without), tmp_path)
    without = replace(manifest, splits={"train": manifest.splits["train"]})
    with pytest.raises(NotFoundError, match="no test split with captions.*train"):
        export(BuiltDataset(built.folder, without), tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return build_tiny(
        tmp_path_factory.mktemp("kept"), text_shared=False, licence="cc-by-4.0", keep_clips=True
    )


def test_clips_that_were_kept_are_the_videos(kept, tmp_path) -> None:
    folders, notes = export(kept, tmp_path, Options(progress=False))
    assert not notes
    for folder, config in zip(folders, ("corpus", "queries"), strict=True):
        videos = datasets.load_dataset(str(folder), config, split="test")
        assert videos.features["video"] == datasets.Video()
        plain = videos.cast_column("video", datasets.Video(decode=False))
        assert [row["video"]["bytes"] for row in plain] == [
            kept["test"].clip_bytes(row) for row in range(len(kept["test"]))
        ]
        assert 'license="cc-by-4.0"' in next(folder.glob("*.py")).read_text().replace("'", '"')
    (folder, _), _ = export(kept, tmp_path, Options(frames=True, progress=False))
    table = datasets.load_dataset(str(folder), "corpus", split="test")
    assert table.features["video"] == datasets.List(datasets.Image())


def test_mteb_reads_the_clips_by_torchcodec(kept, monkeypatch, tmp_path) -> None:
    pytest.importorskip("torchcodec", reason="mteb reads clips by torchcodec")
    import av

    folders, _ = export(kept, tmp_path, Options(progress=False))
    name = register(
        monkeypatch, "mteb/baseline-colours", ColourEncoder, ["text", "video"], revision="clips"
    )
    for folder, direction in zip(folders, ("t2v", "v2t"), strict=True):
        model = mteb.get_model(name)
        task = load_task(folder, mteb_task_name("tiny", direction))
        found = run(model, task, tmp_path / "predictions")
        assert 0 <= found["hit_rate_at_1"] <= found["hit_rate_at_5"] <= 1
        # Every frame of every clip, as it was filmed.
        assert model.shapes == [(12, 3, 48, 64)] * 10
    corpus = datasets.load_dataset(str(folders[0]), "corpus", split="test")
    decoded = corpus[0]["video"].get_frames_at([0]).data[0].permute(1, 2, 0).numpy()
    (tmp_path / "clip.mp4").write_bytes(kept["test"].clip_bytes(0))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(decoded.astype(int) - first).mean() < 3


def test_clips_without_a_named_licence_are_left_out_unless_it_is_private(kept, tmp_path) -> None:
    unnamed = replace(kept.manifest, licence=LicenceRecord("unknown", "Nobody says.", None))
    kept = BuiltDataset(kept.folder, unnamed)
    (folder, _), (note,) = export(kept, tmp_path, Options(progress=False))
    assert "the clips are left out" in note
    assert "Frames" in (folder / "tiny_t2v.py").read_text()
    (folder, _), notes = export(kept, tmp_path, Options(private=True, progress=False))
    assert not notes
    assert "Frames" not in (folder / "tiny_t2v.py").read_text()


def test_the_command_writes_the_tasks_of_a_dataset_by_name(built, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(built.folder.parent.parent)
    out = tmp_path / "out"
    told = CliRunner().invoke(make_app(), ["export", "tiny", "--to", "mteb", "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert sorted(path.name for path in out.iterdir()) == ["tiny-t2v", "tiny-v2t"]
    assert f"wrote {out / 'tiny-t2v'}" in told.output.replace("\n", "")
    for words, said in (
        (["tiny", "tiny", "--to", "mteb"], "takes one dataset"),
        (["tiny", "--to", "mteb", "--repo", "a/b"], "names no repository"),
        (["tiny", "--to", "csv", "--private"], "is a format of results"),
    ):
        told = CliRunner().invoke(make_app(), ["export", *words])
        assert told.exit_code == 2
        assert said in " ".join(told.output.split())


def test_predictions_hold_every_score(built, folders) -> None:
    for direction, candidates in (("t2v", 10), ("v2t", 20)):
        task = load_task(folders[direction], mteb_task_name("tiny", direction))
        assert candidates in task.k_values
        assert task._top_k >= candidates
        assert json.loads(json.dumps(task.metadata.dataset))["path"] == str(folders[direction])
    assert "dvtr_bench" not in (folders["t2v"] / "tiny_t2v.py").read_text()
    assert "tiny_t2v" not in sys.modules
