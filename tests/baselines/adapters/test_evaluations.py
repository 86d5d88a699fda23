"""Evaluations by name from start to result, with all checks of a model's claims."""

import importlib.metadata
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.cli import make_app
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.honesty import SampleConfig
from dvtr_bench.results import write_result
from dvtr_bench.results.files import read_result
from leaderboard.site.commands import repeat_commands

Saved = Callable[[str], Path]

CASES = (
    ("hf", "clip", "float32"),
    ("hf", "siglip", "bfloat16"),
    ("hf", "siglip2", "float32"),
    ("hf", "xclip", "float32"),
    ("hf", "xclip", "bfloat16"),
    ("hf", "videoprism", "bfloat16"),
    ("st", "clip", "float32"),
    ("st", "clip", "bfloat16"),
    ("st", "videoprism", "float32"),
    ("st", "qwen3vl", "bfloat16"),
)


@pytest.mark.parametrize(("source", "kind", "dtype"), CASES)
def test_a_model_passes_every_check_and_is_recorded(
    saved: Saved, built: BuiltDataset, tmp_path: Path, source: str, kind: str, dtype: str
) -> None:
    folder = saved(kind if source == "hf" else f"st:{kind}")
    model = dvtr.load_model(f"{source}:{folder}", settings={"dtype": dtype}, device="cpu")
    file = write_result(
        evaluate(model, built.split("test"), show_progress=False).records[0], tmp_path
    )
    record = read_result(file)
    assert record.model.name == f"{source}:small-{kind}"
    assert record.model.config["dtype"] == dtype
    assert record.model.config["max_frames"] == 12
    assert record.model.backbone == record.model.name
    assert len(record.model.backbone_sha256 or "") == 64
    assert record.environment.libraries["transformers"]
    assert len(record.honesty) == 4
    # Nothing of an item depends on its batch: what was encoded again is the same to the bit.
    assert all(check.largest_move < 1e-6 for check in record.honesty)
    assert str(folder.parent) not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", ["hf", "st"])
def test_the_command_evaluates_a_folder(
    saved: Saved, built: BuiltDataset, tmp_path: Path, source: str
) -> None:
    folder = saved("siglip" if source == "hf" else "st:clip")
    words = f"evaluate --model {source}:{folder} --dataset {built.folder} --device cpu"
    words += f" --out {tmp_path} --set max_frames=2 --json"
    ended = CliRunner().invoke(make_app(), words.split(), catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    (row,) = json.loads(ended.stdout)["boards"][0]["rows"]
    assert row["model"] == f"{source}:{folder.name}"
    assert {file.suffix for file in tmp_path.iterdir()} >= {".json", ".png"}


def test_a_cross_encoder_reranks_and_the_command_can_be_repeated(
    saved: Saved, built: BuiltDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved("cross:videos")
    monkeypatch.chdir(folder.parent)  # results name a folder by its last part
    words = f"evaluate --model clip_zeroshot --backbone tiny --dataset {built.folder} --device cpu"
    words += f" --reranker cross_encoder:{folder.name} --rerank-top 2 --out {tmp_path / 'one'}"
    words += " --reranker-set max_frames=2 --reranker-set fps=2"
    ended = CliRunner().invoke(make_app(), words.split(), catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    (file,) = (tmp_path / "one").glob("*-rerank.json")
    record = read_result(file)
    step = record.scoring.post_processed
    assert step is not None
    weights = step.facts["backbone_sha256"]
    assert step.config == {
        "model": "cross_encoder:small-videos", "weights": weights[:12], "top": 2,
    }  # fmt: skip
    assert step.facts["config"]["revision"] is None
    assert step.facts["config"]["video_input"] == "video"
    installed = importlib.metadata.version("sentence-transformers")
    assert step.facts["libraries"]["sentence-transformers"] == installed
    assert f"(model=cross_encoder:small-videos, weights={weights[:12]}, top=2)" in " ".join(
        ended.output.split()
    )
    # Of a video, the best captions of the first model tie here, so none of them is reranked.
    assert [check.check for check in record.honesty[4:]] == [
        "reranker: t2v candidates among others",
        "reranker: captions encoded in other batches",
    ]
    assert [check.largest_move for check in record.honesty[4:]] == [0.0, 0.0]
    assert (tmp_path / "one" / f"{file.stem}.top.parquet").is_file()
    assert str(folder.parent) not in file.read_text(encoding="utf-8")
    (line,) = repeat_commands(record)
    again = shlex.split(line)[1:]
    again[again.index("--dataset") + 1] = str(built.folder)
    again += ["--device", "cpu", "--out", str(tmp_path / "two")]
    assert "fps=2.0" in again
    assert not any(word.startswith(("revision=", "modules=", "score=")) for word in again)
    ended = CliRunner().invoke(make_app(), again, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    repeated = read_result(tmp_path / "two" / file.name)
    assert (repeated.ranks, repeated.scoring) == (record.ranks, record.scoring)


def test_a_cross_encoder_scores_every_pair(
    saved: Saved, built: BuiltDataset, tmp_path: Path
) -> None:
    settings = {"dtype": "bfloat16", "max_frames": 2}
    model: Any = dvtr.load_model(
        f"cross_encoder:{saved('cross:videos')}", settings=settings, device="cpu"
    )
    split = built.split("test")
    few = SampleConfig(captions=5, videos=4, encoded_captions=4, encoded_videos=3, piece=3)
    config = EvaluationConfig(sample=few)
    found = evaluate(model, split, config=config, show_progress=False)
    record = read_result(write_result(found.records[0], tmp_path))
    texts = model.encode_texts(split.captions)
    own = [
        model.score(texts, model.encode_videos([split.frames(row)]))[:, 0]
        for row in range(len(split.video_ids))
    ]
    matrix = torch.stack(own, dim=1).numpy()
    truth = matrix[np.arange(len(matrix)), split.caption_video_index]
    ranks = (matrix >= truth[:, None]).sum(axis=1)
    assert record.ranks["t2v"].strict.pessimistic.tolist() == ranks.tolist()
    assert record.model.name == "cross_encoder:small-videos"
    assert record.model.backbone == record.model.name
    assert len(record.model.backbone_sha256 or "") == 64
    assert record.model.config["score"] == "raw, before any activation"
    assert record.dataset.frames_per_video == 12
    assert record.environment.libraries["sentence-transformers"]
    assert [check.largest_move for check in record.honesty] == [0.0] * 4


def test_a_search_ranks_by_the_score_of_the_model(saved: Saved, built: BuiltDataset) -> None:
    found = dvtr.search(
        "a red car on the road",
        model=f"hf:{saved('xclip')}",
        dataset=built,
        device="cpu",
        show_progress=False,
    )
    scores = [clip.score for clip in found.clips]
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
