"""Which runs may share a table, differ only in their seed, or may have seen their clips."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from dvtr_bench.dataset.contamination import suspicion
from dvtr_bench.errors import IncomparableError
from dvtr_bench.models.entry import without_earlier
from dvtr_bench.results.record import RunRecord
from dvtr_bench.training.recipe import whole_recipe


@dataclass(frozen=True)
class ComparableKey:
    """What two runs must have in common to share a table."""

    protocol_version: int
    dataset: str
    dataset_version: str
    fingerprint: str
    split: str
    gallery_sha256: str
    queries_sha256: str
    post_processing: str


def comparable_key(record: RunRecord) -> ComparableKey:
    """Return what another run must share with this one to be in the same table.

    Args:
        record: A run.

    Returns:
        A hashable key.
    """
    dataset = record.dataset
    return ComparableKey(
        protocol_version=record.protocol_version,
        dataset=dataset.name,
        dataset_version=dataset.version,
        fingerprint=dataset.fingerprint,
        split=dataset.split,
        gallery_sha256=dataset.gallery_sha256,
        queries_sha256=dataset.queries_sha256,
        post_processing=record.scoring.post_processing,
    )


def differing_field(first: ComparableKey, second: ComparableKey) -> str | None:
    """Return the first field in which two keys differ.

    Args:
        first: A key.
        second: Another key.

    Returns:
        The field's name; None when the keys are equal.
    """
    names = (field.name for field in fields(ComparableKey))
    return next((name for name in names if getattr(first, name) != getattr(second, name)), None)


@dataclass(frozen=True)
class Setup:
    """Everything about a run except its seed: runs of one setup are one row of a table.

    Runs of one setup share the protocol version, dataset build, split and post-processing (as all
    rows of a table do), and the model, its whole config (settings that are as they were before they
    existed count as not stated), text block, backbone weights, training
    dataset and recipe without the seed.

    Not part of it: the checkpoint's hash, which differs for each seed; the path of the backbone's
    weights, if their hash is known; device, library versions, commit and date of the evaluation.
    Backbones trained with different seeds have different weights, so their runs are separate rows:
    the deviation in a row is that of models trained on top of one backbone, not of the backbone.

    Attributes:
        comparable: What all rows of a table share.
        traits: The rest, by name, each as JSON text.
    """

    comparable: ComparableKey
    traits: tuple[tuple[str, str], ...]

    @property
    def short_hash(self) -> str:
        """Twelve hex digits that identify it in tables."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class SeedRuns:
    """The runs of one setup.

    Attributes:
        setup: What they share.
        runs: The newest run of each seed, in order of seeds; at least one. Runs that state no seed
            count as one seed.
        num_older: Number of runs left out because a newer one has the same seed.
    """

    setup: Setup
    runs: tuple[RunRecord, ...]
    num_older: int

    @property
    def seeds(self) -> tuple[int, ...]:
        """Their seeds, in order."""
        return tuple(sorted(seed for run in self.runs for seed in run.model.seeds))


def setup_of(record: RunRecord) -> Setup:
    """Return the setup of a run.

    Args:
        record: A run.

    Returns:
        The setup.
    """
    model, training = record.model, record.model.training
    config = without_earlier(model.config)
    backbone: dict[str, Any] = {"backbone": model.backbone}
    if model.backbone_sha256 is not None:
        config.pop("backbone", None)
        backbone = {"backbone weights": model.backbone_sha256}
    recipe = {} if training is None else whole_recipe(training.recipe)
    traits: dict[str, Any] = {
        "kind": record.kind,
        "model": model.name,
        "scoring": record.scoring.scoring,
        "text block": record.scoring.text_block,
        "order": record.scoring.order,
        **{f"config.{name}": value for name, value in config.items()},
        **backbone,
        "trained on": None if training is None else training.dataset,
        "trained on build": None if training is None else training.fingerprint,
        **{f"recipe.{name}": value for name, value in recipe.items() if name != "seed"},
    }
    return Setup(
        comparable_key(record),
        tuple((name, json.dumps(traits[name], sort_keys=True)) for name in sorted(traits)),
    )


def by_setup(records: Iterable[RunRecord]) -> list[SeedRuns]:
    """Group runs by setup, each seed once.

    Args:
        records: Runs of any datasets and models.

    Returns:
        One item per setup, in order of its first run. A seed evaluated or trained twice counts
        once: the newest evaluation is taken; of equal dates, the last one.
    """
    grouped_runs: dict[Setup, list[RunRecord]] = {}
    for record in records:
        grouped_runs.setdefault(setup_of(record), []).append(record)
    sorted_runs = []
    for setup, runs in grouped_runs.items():
        newest: dict[tuple[int, ...], RunRecord] = {}
        for run in sorted(runs, key=lambda run: run.environment.date_utc):
            newest[run.model.seeds] = run
        chosen = tuple(newest[seeds] for seeds in sorted(newest))
        sorted_runs.append(SeedRuns(setup, chosen, len(runs) - len(chosen)))
    return sorted_runs


def require_comparable(records: Sequence[RunRecord]) -> None:
    """Raise if records must not share a table.

    Args:
        records: Runs to compare.

    Raises:
        IncomparableError: Two of them differ in protocol version, dataset, fingerprint, split,
            gallery, queries or post-processing; names the field and both values.
    """
    for record in records[1:]:
        keys = comparable_key(records[0]), comparable_key(record)
        if (name := differing_field(*keys)) is not None:
            raise IncomparableError(
                f"{records[0].label} and {record.label} must not share a table: their "
                f"{name} differs ({getattr(keys[0], name)} and {getattr(keys[1], name)}). "
                "Evaluate both on the same build, or make a table of each"
            )


def run_letter(place: int) -> str:
    """Return the letter of a run where several stand together, in a comparison or on a sheet.

    Example:
        >>> run_letter(0), run_letter(25), run_letter(26)
        ('A', 'Z', 'AA')
    """
    letter = chr(ord("A") + place % 26)
    return letter if place < 26 else run_letter(place // 26 - 1) + letter


def contamination(record: RunRecord) -> str:
    """Return why a model may have seen clips of the split in training.

    Evaluations state it in the result file. For files written before, and for those that leave it
    out, it is worked out from the names of the datasets.

    Args:
        record: A run.

    Returns:
        A sentence; empty if there is no sign of it. What the backbone was trained on before is
        unknown and not considered.
    """
    if record.contamination is not None:
        return record.contamination.reason
    training, dataset = record.model.training, record.dataset
    if training is None:
        return ""
    if training.shared_clips == 0 and training.dataset == dataset.name:
        return ""  # another version, compared clip by clip
    return suspicion(training.dataset, training.fingerprint, dataset.name, dataset.fingerprint)
