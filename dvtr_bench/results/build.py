"""Make a record from ranks: figures, intervals, ties, ceilings; what must hold between facts."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final, TypeAlias

import numpy as np

from dvtr_bench.dataset.contamination import Contamination
from dvtr_bench.errors import ResultError
from dvtr_bench.ranking import DIRECTIONS, PROTOCOL_VERSION, Direction
from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.ceilings import CutCaptions, SharedText, chance
from dvtr_bench.ranking.figures import compute_figures, left_out, point_values
from dvtr_bench.ranking.group_figures import group_figures
from dvtr_bench.ranking.movement import (
    GALLERY_SHUFFLED,
    LARGEST_MOVE,
    QUERIES_SHUFFLED,
    HonestyCheck,
    of_v2t,
)
from dvtr_bench.ranking.rank_table import Groups, RankTable
from dvtr_bench.results.record import (
    RESULT_FORMAT_VERSION,
    Breakdown,
    DatasetFacts,
    DirectionRanks,
    Kind,
    ModelFacts,
    RankLists,
    RunRecord,
    ScoringFacts,
    Seconds,
    Ties,
)
from dvtr_bench.runtime.environment import EnvironmentFacts


def make_record(
    table: RankTable,
    *,
    kind: Kind,
    dataset: DatasetFacts,
    model: ModelFacts,
    scoring: ScoringFacts,
    environment: EnvironmentFacts,
    honesty: tuple[HonestyCheck, ...],
    seconds: Seconds,
    shared_text: SharedText,
    groups: Mapping[str, Groups],
    bootstrap: BootstrapConfig,
    contamination: Contamination | None = None,
    cut_captions: CutCaptions | None = None,
) -> RunRecord:
    """Make the record of a run from its ranks and facts.

    Args:
        table: The ranks.
        kind: Where the scores came from.
        dataset: The dataset and split.
        model: The model.
        scoring: How scores were computed.
        environment: Machine, library versions, commit and date.
        honesty: The honesty checks that it passed.
        seconds: How long each step took.
        shared_text: How many captions describe several videos.
        groups: Groups of its queries, by axis.
        bootstrap: How to make the intervals.
        contamination: Why the model may have seen clips of the split in training.
        cut_captions: Captions that the model read in part.

    Returns:
        The record, every figure computed from the ranks.
    """
    by_group = group_figures(table, groups, bootstrap)
    return RunRecord(
        format_version=RESULT_FORMAT_VERSION,
        protocol_version=PROTOCOL_VERSION,
        kind=kind,
        dataset=dataset,
        model=model,
        scoring=scoring,
        environment=environment,
        honesty=honesty,
        contamination=contamination,
        seconds=seconds,
        bootstrap=bootstrap,
        metrics=compute_figures(table, bootstrap),
        left_out=left_out(table),
        cut_captions=cut_captions,
        ties=count_ties(table),
        chance=chance_figures(table),
        shared_text=shared_text,
        breakdowns={axis: Breakdown.of(groups[axis], by_group[axis]) for axis in groups},
        caption_video_index=table.caption_video_index,
        ranks={direction: _direction_ranks(table, direction) for direction in DIRECTIONS},
    )


def count_ties(table: RankTable) -> dict[str, Ties]:
    """Count ranks that depend on the order of equal scores, and their effect on the figures.

    Args:
        table: The ranks.

    Returns:
        Ties by direction; directions without ties are left out.
    """
    tied = {name: table.ranks[name]["strict"].tied_queries for name in DIRECTIONS}
    if not any(tied.values()):
        return {}
    others = {name: point_values(table, name) for name in ("optimistic", "expected")}
    ties: dict[str, Ties] = {}
    for direction, queries in tied.items():
        if queries:
            figures = {
                assumption: {
                    name: float(value[0])
                    for (value_direction, kind, name), value in values.items()
                    if value_direction == direction and kind == "strict"
                }
                for assumption, values in others.items()
            }
            ties[direction] = Ties(queries, figures["optimistic"], figures["expected"])
    return ties


def chance_figures(table: RankTable) -> dict[str, Mapping[str, float]]:
    """Return the expected R@k of a random order of each gallery.

    Args:
        table: The ranks; only the sizes are read.

    Returns:
        R@k in percent by direction, for each k up to the gallery's size.
    """
    _, captions = np.unique(table.caption_video_index, return_counts=True)
    sizes, videos = np.unique(captions, return_counts=True)
    figures: dict[str, Mapping[str, float]] = {}
    for direction in DIRECTIONS:
        size = table.gallery_size(direction)
        relevant = sizes if direction == "v2t_caption" else np.ones_like(sizes)
        figures[direction] = {
            f"R@{k}": sum(
                chance(size, k, int(count)) * int(weight)
                for count, weight in zip(relevant, videos, strict=True)
            )
            / int(videos.sum())
            for k in (1, 5, 10)
            if k <= size
        }
    return figures


def _direction_ranks(table: RankTable, direction: Direction) -> DirectionRanks:
    ranks = table.ranks[direction]
    strict = RankLists.of(ranks["strict"])
    identical = RankLists.of(ranks["text_identical"])
    return DirectionRanks(strict, None if identical == strict else identical)


Relation: TypeAlias = Callable[[RunRecord], Iterator[str]]

CAPPED_CHECKS: Final = tuple(
    name for check in (QUERIES_SHUFFLED, GALLERY_SHUFFLED) for name in (check, of_v2t(check))
)
"""Checks whose tolerance the protocol caps."""

DATE_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
"""Form of the date of a run."""

_DTYPES: Final = ("float16", "bfloat16", "float32", "float64")


def require_relations(record: RunRecord, file: str) -> None:
    """Refuse a record whose facts contradict each other.

    Args:
        record: The record as read.
        file: The file's name, for messages.

    Raises:
        ResultError: A relation does not hold; the message names it and what was found.
    """
    for name, relation in RELATIONS.items():
        if problem := next(relation(record), None):
            raise ResultError(
                f"{file}: {name}: {problem}: no run states both, evaluate again rather than "
                "editing a result"
            )


def _block(record: RunRecord) -> Iterator[str]:
    scoring = record.scoring
    if (scoring.scoring == "pairwise") != (scoring.text_block is None):
        yield f"scoring is {scoring.scoring} and text_block {scoring.text_block}"
    if scoring.order != "file":
        yield f"order is {scoring.order!r}, and the protocol knows 'file' alone"


def _post_processing(record: RunRecord) -> Iterator[str]:
    stated, done = record.scoring.post_processing, record.scoring.post_processed
    if done is None:
        return
    if stated == "none":
        yield f"post_processing is 'none', but post_processed describes {done.name}"
    name, _, settings = stated.partition(" (")
    stated_keys = [part.partition("=")[0] for part in settings.rstrip(")").split(", ") if part]
    if name != done.name or stated_keys != list(done.config):
        yield (
            f"post_processing is {stated!r}, but post_processed describes {done.name} with "
            f"{', '.join(done.config) or 'no settings'}"
        )
    if record.kind == "external" and "bank_split" in done.facts:
        yield "brought scores have no bank of training items, but post_processed describes one"


def _honesty(record: RunRecord) -> Iterator[str]:
    if record.kind == "external":
        if record.honesty:
            yield "scores from outside cannot be scored again, but honesty has checks"
        return
    if not record.honesty:
        yield "kind is 'model', but honesty is empty: the harness ranks no model unchecked"
    names = [check.check for check in record.honesty]
    if again := [name for name in names if names.count(name) > 1]:
        yield f"honesty has {again[0]!r} twice"
    for check in record.honesty:
        if not check.moved_little:
            yield (
                f"with {check.check} scores moved by {check.largest_move:g}, and "
                f"{check.tolerance:g} was allowed"
            )
        if not check.passed:
            yield f"with {check.check} {check.exchanged:.1%} of the neighbours changed places"
        if not check.pairs:
            yield f"{check.check}: no pair was scored again"
        if check.check in CAPPED_CHECKS and check.tolerance > LARGEST_MOVE:
            yield (
                f"{check.check}: tolerance is {check.tolerance:g}, and the protocol allows "
                f"{LARGEST_MOVE:g} at most"
            )
    if bool(record.scoring.each_way) != (of_v2t(GALLERY_SHUFFLED) in names):
        stated, found = ("true", "missing") if record.scoring.each_way else ("absent", "there")
        yield f"each_way is {stated}, and {of_v2t(GALLERY_SHUFFLED)!r} is {found}"
    if QUERIES_SHUFFLED in names and record.scoring.text_block not in (None, 1):
        yield f"{QUERIES_SHUFFLED}: not done at text_block {record.scoring.text_block}"


def _seeds(record: RunRecord) -> Iterator[str]:
    seeds = record.model.seeds
    if len(set(seeds)) != len(seeds):
        yield f"model.seeds names one twice: {list(seeds)}"
    training = record.model.training
    seed = None if training is None else training.recipe.get("seed")
    if seeds and seed is not None and seed not in seeds:
        yield f"model.seeds is {list(seeds)}, but the recipe of its training has seed {seed!r}"


def _training(record: RunRecord) -> Iterator[str]:
    training, dataset = record.model.training, record.dataset
    if training is None:
        if record.contamination is not None:
            yield "contamination is stated, but model.training is not"
        return
    if record.kind == "external":
        yield "scores from outside were not trained here, but model.training is stated"
    same = training.fingerprint == dataset.fingerprint
    if same and training.dataset != dataset.name:
        yield f"one fingerprint is of {training.dataset} in training and of {dataset.name} here"
    if same and training.version not in (None, dataset.version):
        yield f"one fingerprint of version {training.version} in training, {dataset.version} here"
    if same and training.shared_clips is not None:
        yield "model.training.shared_clips is of another version, but the fingerprint is the same"
    if training.shared_clips is not None and training.dataset != dataset.name:
        yield "model.training.shared_clips is of another version, but the dataset is another"
    epochs = training.recipe.get("epochs")
    if isinstance(epochs, int) and training.epoch > epochs:
        yield f"model.training.epoch is {training.epoch}, but its recipe has {epochs} epochs"
    if training.shared_clips and record.contamination is None:
        yield f"training used {training.shared_clips} clips of the split: contamination is missing"


def _shared_clips(record: RunRecord) -> Iterator[str]:
    training, seen = record.model.training, record.contamination
    counts = {
        "model.training.shared_clips": None if training is None else training.shared_clips,
        "contamination.shared_clips": None if seen is None else seen.shared_clips,
    }
    for name, count in counts.items():
        if count is not None and count > record.dataset.num_videos:
            yield f"{name} is {count} of {record.dataset.num_videos} videos"


def _shared_text(record: RunRecord) -> Iterator[str]:
    shared, videos = record.shared_text, record.dataset.num_videos
    count, alike = shared.captions, shared.shared_captions
    if alike > count:
        yield f"shared_text.shared_captions is {alike} of {count} captions"
        return
    # A shared caption belongs to 2 videos at least, to all at most.
    lowest, highest = (100 * (count - alike + alike / owners) / count for owners in (videos, 2))
    if not lowest - 1e-6 <= shared.ceiling <= highest + 1e-6:
        yield (
            f"shared_text.ceiling is {shared.ceiling:.4g}, but {alike} shared of {count} captions "
            f"give {lowest:.4g} to {highest:.4g}"
        )


def _ceiling(record: RunRecord) -> Iterator[str]:
    shared = record.shared_text
    queries = len(record.caption_video_index)
    hits = int((record.rank_table.ranks["t2v"]["strict"].pessimistic == 1).sum())
    alone = queries - shared.shared_captions
    expected = shared.ceiling / 100 * queries - alone
    # Who guesses between equal texts may have luck: three standard deviations of so many guesses.
    luck = 3 * np.sqrt(max(0.0, expected)) + 1 if shared.shared_captions else 0.0
    if hits - alone > expected + luck:
        yield (
            f"T2V R@1 is {100 * hits / queries:.1f}, but identical captions leave "
            f"{shared.ceiling:.1f} at most"
        )


def _cut_captions(record: RunRecord) -> Iterator[str]:
    cut = record.cut_captions
    if cut is not None and not cut.cut:
        yield "cut_captions says that none was cut: it is left out then"
    if cut is not None and not cut.alike and record.shared_text.shared_captions == 0:
        if cut.ceiling < 100:
            yield f"cut_captions.ceiling is {cut.ceiling:.4g}, but no two captions are read alike"


def _environment(record: RunRecord) -> Iterator[str]:
    facts = record.environment
    try:
        datetime.strptime(facts.date_utc, DATE_FORMAT)
    except ValueError:
        yield f"environment.date_utc is {facts.date_utc}, which no calendar has"
    if (facts.git_commit is None) != (facts.git_dirty is None):
        yield f"git_commit is {facts.git_commit} and git_dirty {facts.git_dirty}"
    if record.kind == "model" and facts.dtype not in _DTYPES:
        yield f"environment.dtype is {facts.dtype!r}: scores are {', '.join(_DTYPES)}"


def _frames(record: RunRecord) -> Iterator[str]:
    dataset = record.dataset
    if record.kind == "model" and dataset.sampling == "none":
        yield "a model was scored, but dataset.sampling is 'none': there were no frames"
    if dataset.sampling == "none" and dataset.frames_per_video is not None:
        yield f"sampling is 'none' and frames_per_video {dataset.frames_per_video}"


RELATIONS: Final[Mapping[str, Relation]] = {
    "scoring and its text block": _block,
    "post-processing, as stated and as described": _post_processing,
    "kind, scoring and honesty checks": _honesty,
    "seeds": _seeds,
    "training, dataset and contamination": _training,
    "shared clips and the gallery": _shared_clips,
    "shared captions and their ceiling": _shared_text,
    "T2V R@1 and the ceiling": _ceiling,
    "captions that were cut": _cut_captions,
    "environment": _environment,
    "frames and their sampling": _frames,
}
"""Every relation by name, in the order in which they are checked."""
