"""Result files of the right form, whose facts contradict each other."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from dvtr_bench.ranking.ceilings import SharedText
from dvtr_bench.results.files import read_result, to_text
from tests.fixtures.records import toy_record
from tests.hostile.case import Hostile

_DESCRIBED = {
    "name": "dual_softmax",
    "config": {"inverse_temperature": 100.0},
    "facts": {},
    "statement": "It looks at all queries.",
}
_LABEL = "dual_softmax (inverse_temperature=100)"
_SEEN = {"reason": "Trained on clips of this split.", "shared_clips": 3}


@cache
def sound(kind: str = "model", block: int | None = None) -> str:
    """Return a result file that no reader refuses."""
    recipe = {"epochs": 5} if kind == "model" else None
    return to_text(toy_record(kind=kind, text_block=block, recipe=recipe))


def _forged(
    name: str,
    message: str,
    *changes: tuple[str, Any],
    kind: str = "model",
    block: int | None = None,
) -> Hostile:
    """Make a case from changes: a path such as ``honesty.0.pairs``, and its new value."""

    def make(folder: Path) -> Path:
        value = json.loads(sound(kind, block))
        for path, item in changes:
            *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
            place: Any = value
            for step in steps:
                place = place[step]
            place[last] = item(place[last]) if callable(item) else item
        path = folder / "run.json"
        path.write_text(json.dumps(value))
        return path

    return Hostile(name, make, read_result, rf"run\.json: .*{message}")


def _above_the_ceiling() -> Hostile:
    def make(folder: Path) -> Path:
        shared = SharedText(captions=60, shared_captions=60, ceiling=50.0)
        path = folder / "run.json"
        path.write_text(to_text(replace(toy_record(best_rank=1), shared_text=shared)))
        return path

    message = r"run\.json: .*R@1 is 100.0, but identical captions leave 50.0"
    return Hostile("R@1 above the ceiling", make, read_result, message)


def _raw(name: str, message: str, old: str, new: str) -> Hostile:
    def make(folder: Path) -> Path:
        assert old in sound()
        path = folder / "run.json"
        path.write_text(sound().replace(old, new, 1))
        return path

    return Hostile(name, make, read_result, rf"run\.json: .*{message}")


def _twice(items: list[Any]) -> list[Any]:
    return [*items, items[0]]


INPUTS = [
    _forged("no honesty checks", "'model', but honesty is empty", ("honesty", [])),
    _forged(
        "a move above its tolerance", "scores moved by 1, and 0.0001", ("honesty.1.largest_move", 1)
    ),
    _forged(
        "a tolerance above the protocol's",
        "tolerance is 10, and the protocol allows 0.0001",
        ("honesty.1.tolerance", 10.0),
    ),
    _raw(
        "a move of 1e999",
        r"honesty\[0\].largest_move: expected a finite number",
        '"largest_move": 0.0',
        '"largest_move": 1e999',
    ),
    _raw("a tolerance of NaN", "NaN|finite", '"tolerance": 0.0001', '"tolerance": NaN'),
    _forged("half of the ranks exchanged", "50.0% of the neighbours", ("honesty.2.exchanged", 0.5)),
    _forged("a check without pairs", "no pair was scored", ("honesty.3.pairs", 0)),
    _forged("a check twice", "twice", ("honesty", _twice)),
    _forged("checks of brought scores", "from outside cannot be scored", ("kind", "external")),
    _forged("pairwise with a block", "pairwise and text_block 32", ("scoring.text_block", 32)),
    _forged(
        "a block of none", "query_block and text_block None", ("scoring.scoring", "query_block")
    ),
    _forged(
        "queries shuffled in a block",
        "not done at text_block 2",
        ("scoring.text_block", 2),
        block=1,
    ),
    _forged("an order of its own", "knows 'file' alone", ("scoring.order", "best first")),
    _forged(
        "post-processed, but none stated", "'none', but", ("scoring.post_processed", _DESCRIBED)
    ),
    _forged(
        "post-processed by another",
        r"is 'qb_norm', but post_processed describes dual_softmax",
        ("scoring.post_processed", _DESCRIBED),
        ("scoring.post_processing", "qb_norm"),
    ),
    _forged(
        "post-processed by other settings",
        "inverse_temperature",
        ("scoring.post_processed", _DESCRIBED),
        ("scoring.post_processing", "dual_softmax (bank_captions=all)"),
    ),
    _forged(
        "a bank of brought scores",
        "brought scores have no bank",
        ("scoring.post_processed", {**_DESCRIBED, "facts": {"bank_split": "train"}}),
        ("scoring.post_processing", _LABEL),
        kind="external",
    ),
    _forged("a seed twice", "names one twice", ("model.seeds", [42, 42])),
    _forged(
        "a seed that is not the recipe's",
        "recipe of its training has seed 42",
        ("model.seeds", [7]),
    ),
    _forged("an epoch after the last", "epoch is 9, but", ("model.training.epoch", 9)),
    _forged(
        "one fingerprint of two datasets",
        "umcrd in training and of usrd",
        ("model.training.dataset", "umcrd"),
    ),
    _forged(
        "one fingerprint of two versions",
        "of version 2.0.0 in",
        ("model.training.version", "2.0.0"),
    ),
    _forged(
        "clips of the same version shared", "of another version", ("model.training.shared_clips", 2)
    ),
    _forged(
        "shared clips of another dataset",
        "the dataset is another",
        ("model.training.fingerprint", "0" * 64),
        ("model.training.dataset", "umcrd"),
        ("model.training.shared_clips", 2),
    ),
    _forged(
        "used clips without a mark",
        "contamination is missing",
        ("model.training.fingerprint", "0" * 64),
        ("model.training.shared_clips", 2),
    ),
    _forged(
        "seen clips without training",
        "training is not",
        ("model.training", None),
        ("contamination", _SEEN),
    ),
    _forged(
        "more seen clips than videos",
        "99 of 20 videos",
        ("contamination", {**_SEEN, "shared_clips": 99}),
    ),
    _forged(
        "more shared captions than captions", "is 99 of 60", ("shared_text.shared_captions", 99)
    ),
    _forged("a ceiling that no sharing gives", "ceiling is 50", ("shared_text.ceiling", 50.0)),
    _forged("a ceiling of 100 with shared captions", "give", ("shared_text.ceiling", 100.0)),
    _above_the_ceiling(),
    _forged(
        "nothing cut",
        "none was cut",
        ("cut_captions", {"tokens": 32, "cut": 0, "alike": 0, "ceiling": 100.0}),
    ),
    _forged(
        "a date that no calendar has",
        "which no calendar has",
        ("environment.date_utc", "2026-02-31T12:00:00Z"),
    ),
    _forged(
        "changes of no commit",
        "git_commit is None and git_dirty True",
        ("environment.git_dirty", True),
    ),
    _forged("scores of whole numbers", "dtype is 'int64'", ("environment.dtype", "int64")),
    _forged("frames of none", "sampling is 'none'", ("dataset.sampling", "none")),
    _forged(
        "a rank of nobody",
        "expected one for each of 60",
        ("ranks.t2v.strict.pessimistic", lambda ranks: ranks[:-1]),
    ),
    _forged("negative seconds", "seconds.score", ("seconds.score", -1.0)),
]
"""Each is refused by a relation of `dvtr_bench.results.build`, or by the form of its field."""
