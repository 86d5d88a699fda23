"""Evaluations by name from start to result, with all checks of a model's claims."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dvtr_bench as dvtr
from dvtr_bench.cli import make_app
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.evaluation.evaluate import evaluate
from dvtr_bench.results import write_result
from dvtr_bench.results.files import read_result

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
