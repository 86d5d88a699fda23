"""Every check of the protocol against a cheat that it catches and an honest twin that passes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from builders.build import build
from builders.engine.settings import BuildSettings
from dvtr_bench.dataset.reader import open_dataset
from dvtr_bench.errors import (
    IncomparableError,
    InputError,
    NotANumberError,
    ProtocolError,
    ResultError,
)
from dvtr_bench.evaluation.evaluate import EvaluationConfig, evaluate
from dvtr_bench.evaluation.external import evaluate_external
from dvtr_bench.evaluation.external_file import read_external
from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.results import read_result, require_comparable, write_result
from dvtr_bench.training.recipe import Recipe
from dvtr_bench.training.splits import require_trainable
from dvtr_bench.training.train import train
from leaderboard.board import make_boards
from tests.fixtures.memory_split import BlockModel, HonestModel
from tests.fixtures.toy_training import ToySplit

QUICK = BootstrapConfig(resamples=100)


def _evaluate(model, split, **sizes):
    sizes = {"block_captions": 16, "block_videos": 8, "video_batch": 7, "text_batch": 11, **sizes}
    config = EvaluationConfig(bootstrap=QUICK, **sizes)
    return evaluate(model, split, config=config, show_progress=False)


def _scoring(change, base=HonestModel):
    """Make a model that passes its honest scores, and itself, through a function."""

    def score(self, texts, videos):
        return change(self, base.score(self, texts, videos))

    return type("Changed", (base,), {"name": "changed", "score": score})


def _encoding(side, change):
    """Make a model that passes the vectors of a batch through a function."""
    method = {"text": "encode_texts", "video": "encode_videos"}[side]

    def encode(self, items):
        (found,) = getattr(HonestModel, method)(self, items).values()
        return {f"{side}_embeds": change(found, items)}

    return type("Changed", (HonestModel,), {"name": "changed", method: encode})


def _add_diagonal(model, scores):
    return scores + 10 * torch.eye(*scores.shape)


def _add_by_call(model, scores):
    model.calls = getattr(model, "calls", 0) + 1
    return scores + 0.01 * model.calls


def _count_calls(model, scores):
    model.calls = getattr(model, "calls", 0) + 1
    return scores


def _pad_to_longest(embeds, captions):
    return embeds * (1.0 / max(len(caption.split()) for caption in captions))


def _own_length(embeds, captions):
    return embeds / torch.tensor([[float(len(caption.split()))] for caption in captions])


PAIRWISE = {
    "softmax over the queries": (
        _scoring(lambda _, scores: scores.softmax(0)),
        _scoring(lambda _, scores: scores.sigmoid()),
        "claims pairwise .* queries shuffled and re-blocked",
    ),
    "the same, scaled down": (
        _scoring(lambda _, scores: 1e-6 * scores.softmax(0)),
        _scoring(lambda _, scores: 1e-6 * scores.sigmoid()),
        "queries shuffled",
    ),
    "the same, behind a large number": (
        _scoring(lambda _, scores: 1e3 + 1e-4 * scores.softmax(0)),
        _scoring(lambda _, scores: 1e3 + scores),
        "queries shuffled",
    ),
    "the same, behind a large number in float64": (
        _scoring(lambda _, scores: 1e6 + 1e-3 * scores.softmax(0).double()),
        _scoring(lambda _, scores: 1e6 + 1e-3 * scores.sigmoid().double()),
        "queries shuffled",
    ),
    "softmax over the gallery": (
        _scoring(lambda _, scores: scores.softmax(1)),
        # Scaled down: the exponential of a large score makes much of its rounding.
        _scoring(lambda _, scores: (scores / 100).exp()),
        "gallery shuffled and re-chunked",
    ),
    "mean of the captions of a batch": (
        _encoding("text", lambda embeds, _: embeds - embeds.mean(0)),
        _encoding("text", lambda embeds, _: embeds - 0.1),
        "captions encoded in other batches",
    ),
    "padding to the longest caption of a batch": (
        _encoding("text", _pad_to_longest),
        _encoding("text", _own_length),
        "captions encoded in other batches",
    ),
    "mean of the videos of a batch": (
        _encoding("video", lambda embeds, _: embeds - embeds.mean(0)),
        _encoding("video", lambda embeds, _: embeds - 0.1),
        "videos encoded in other batches",
    ),
    "place in the batch": (
        _encoding("video", lambda embeds, _: embeds + torch.arange(len(embeds))[:, None]),
        _encoding("video", lambda embeds, _: 2 * embeds),
        "videos encoded in other batches",
    ),
    "number of the call": (_scoring(_add_by_call), _scoring(_count_calls), "queries shuffled"),
    "dropout left on": (
        _scoring(lambda _, scores: torch.nn.functional.dropout(scores, 0.1)),
        _scoring(lambda _, scores: torch.nn.functional.dropout(scores, 0.1, training=False)),
        "queries shuffled",
    ),
}


@pytest.fixture
def uneven_split(memory_split):
    """One caption in 24 is long."""
    return memory_split(
        [[f"boat {v}", f"{'tree ' * (9 if v % 8 == 0 else 1)}{v}", f"lake {v}"] for v in range(40)]
    )


@pytest.mark.parametrize("name", PAIRWISE)
def test_a_score_that_depends_on_more_than_its_pair_is_caught(uneven_split, name) -> None:
    cheat, twin, message = PAIRWISE[name]
    with pytest.raises(ProtocolError, match=message):
        _evaluate(cheat(), uneven_split)
    assert all(check.passed for check in _evaluate(twin(), uneven_split).records[0].honesty)


def test_a_bonus_for_the_diagonal_is_caught(memory_split) -> None:
    split = memory_split([[f"boat {row}"] for row in range(40)])
    sizes = {"block_captions": 40, "block_videos": 40}
    with pytest.raises(ProtocolError, match="a score moved by 10"):
        _evaluate(_scoring(_add_diagonal)(), split, **sizes)
    _evaluate(HonestModel(), split, **sizes)


class PlaceRemembered(HonestModel):
    """Sees nothing; remembers at which place of the file each caption and video first stood."""

    name = "place"

    def __init__(self) -> None:
        self.places = {"text": {}, "video": {}}

    def _place(self, kind, item, items_a_video):
        known = self.places[kind]
        row = known.setdefault(item, len(known)) // items_a_video
        return torch.nn.functional.one_hot(torch.tensor(row), 64).float()

    def encode_texts(self, captions):
        return {"text_embeds": torch.stack([self._place("text", one, 3) for one in captions])}

    def encode_videos(self, videos):
        rows = [self._place("video", one[0].tobytes(), 1) for one in videos]
        return {"video_embeds": torch.stack(rows)}


def test_what_a_model_remembers_of_the_run_does_not_help_it_in_the_checks(uneven_split) -> None:
    with pytest.raises(ProtocolError, match="encoded in other batches"):
        _evaluate(PlaceRemembered(), uneven_split)


BLOCKS = {
    "looks beyond its block": (
        _scoring(lambda _, scores: scores - 0.5 * scores.mean(0), BlockModel),
        r"texts of its block \(4\) alone",
    ),
    "looks at the gallery": (
        _scoring(lambda _, scores: scores - 0.5 * scores.mean(1, keepdim=True), BlockModel),
        "gallery shuffled",
    ),
    "still depends on the block at block 1": (
        type("Cheat", (BlockModel,), {"at_block": lambda self, text_block: self}),
        "queries shuffled",
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_query_block_model_is_held_to_its_claim(split, name) -> None:
    cheat, message = BLOCKS[name]
    with pytest.raises(ProtocolError, match=message):
        _evaluate(cheat(), split, block_captions=120)


def test_an_honest_query_block_model_is_scored_as_published_and_at_block_1(split) -> None:
    published, alone = _evaluate(BlockModel(), split, block_captions=120).records
    assert (published.scoring.text_block, alone.scoring.text_block) == (4, 1)
    assert all(check.passed for record in (published, alone) for check in record.honesty)


def test_a_model_that_scores_everything_alike_gets_nothing(split) -> None:
    (record,) = _evaluate(_scoring(lambda _, scores: torch.zeros_like(scores))(), split).records
    for direction in DIRECTIONS:
        assert record.metrics[direction]["strict"]["R@1"].value == 0
    ties = record.ties["t2v"]
    assert ties.queries == 120
    assert ties.optimistic["R@1"] == 100
    assert ties.expected["MnR"] == 20.5
    (honest,) = _evaluate(HonestModel(), split).records
    assert honest.metrics["t2v"]["strict"]["R@1"].value > 50


def test_nan_on_hard_pairs_drops_no_query(split) -> None:
    def hard(value):
        return _scoring(lambda _, scores: scores.masked_fill(scores < -5, value))

    message = r"changed: \d+ scores are NaN.*'Boat_\d+ #\d' and video"
    with pytest.raises(NotANumberError, match=message):
        _evaluate(hard(torch.nan)(), split)
    (record,) = _evaluate(hard(-torch.inf)(), split).records
    assert len(record.ranks["t2v"].strict.pessimistic) == 120


@pytest.mark.parametrize("names", [("train", "test"), ("test", "validation")])
def test_test_is_neither_trained_nor_chosen_on(tmp_path, names) -> None:
    with pytest.raises(ProtocolError, match="never on test"):
        train(None, *map(ToySplit, names), Recipe(), tmp_path, show_progress=False)
    require_trainable(ToySplit("train"), ToySplit("validation"))


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A dataset of annotations alone: 12 videos, two captions each."""
    rows = [f"clip{n}.mp4,the clip {n},a view of {n},test" for n in range(12)]
    table = tmp_path / "captions.csv"
    table.write_text("\n".join(["file_name,caption_1,caption_2,split", *rows]))
    settings = BuildSettings(root=tmp_path, name="texts", frames=None, progress=False)
    build("folder", {"captions": table}, settings)
    return tmp_path / "texts"


def _evaluate_perfect_scores(folder: Path, keep: slice = slice(None)):
    """Bring perfect scores of a dataset, for some of its videos and all their captions."""
    split = open_dataset(folder).split("test")
    scores = np.eye(len(split.video_ids))[split.caption_video_index][:, keep]
    path = folder.parent / "scores.npz"
    ids = {"caption_ids": split.caption_ids, "video_ids": split.video_ids[keep]}
    np.savez(path, sim_matrix=scores, **ids)
    return evaluate_external(
        read_external(path, "sim_matrix"),
        split,
        model_name="theirs",
        config=EvaluationConfig(bootstrap=QUICK),
        show_progress=False,
    )


def test_brought_scores_without_a_hard_video_are_refused(built) -> None:
    _evaluate_perfect_scores(built)
    with pytest.raises(ProtocolError, match="1 are missing, the first 'clip11'"):
        _evaluate_perfect_scores(built, slice(0, 11))


def _edit_parquet(folder: Path, config: str, edit: Callable) -> None:
    (path,) = (folder / name for name in open_dataset(folder).manifest.splits["test"].paths(config))
    table = pq.read_table(path)
    pq.write_table(edit(table), path)


def test_a_gallery_without_its_hard_videos_is_refused(built) -> None:
    for config in ("default", "captions"):
        _edit_parquet(built, config, lambda table: table.slice(table.num_rows // 2))
    with pytest.raises(InputError, match="6 rows, the dataset's manifest states 12"):
        _evaluate_perfect_scores(built)


def test_easier_captions_under_the_same_ids_are_refused(built) -> None:
    def edit(table):
        place = table.schema.get_field_index("caption")
        easier = [[f"{row} {row} {row}" for row in range(table.num_rows)]]
        return table.set_column(place, table.schema.field(place), easier)

    _edit_parquet(built, "captions", edit)
    with pytest.raises(ProtocolError, match=r"captions.*was changed after"):
        _evaluate_perfect_scores(built)


APART = {
    "protocol_version": lambda record: replace(record, protocol_version=0),
    "fingerprint": lambda record: replace(
        record, dataset=replace(record.dataset, fingerprint="0" * 64)
    ),
    "gallery_sha256": lambda record: replace(
        record, dataset=replace(record.dataset, gallery_sha256="0" * 64)
    ),
    "post_processing": lambda record: replace(
        record, scoring=replace(record.scoring, post_processing="dual_softmax")
    ),
}


@pytest.mark.parametrize("field", APART)
def test_a_result_of_another_contest_never_shares_a_table(split, field) -> None:
    (record,) = _evaluate(HonestModel(), split).records
    other = APART[field](record)
    with pytest.raises(IncomparableError, match=f"their {field} differs"):
        require_comparable([record, other])
    assert len(make_boards([record, other])) == 2
    require_comparable([record, record])


def test_a_result_with_a_changed_digit_is_refused_with_its_place(split, tmp_path) -> None:
    (record,) = _evaluate(HonestModel(), split).records
    path = write_result(record, tmp_path)
    assert read_result(path) == record
    content = json.loads(path.read_text())
    content["metrics"]["t2v"]["strict"]["R@1"]["value"] += 1
    path.write_text(json.dumps(content))
    with pytest.raises(ResultError, match=r"metrics\.t2v\.strict\.R@1\.value says"):
        read_result(path)
