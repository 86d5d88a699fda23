"""The checks of a submission that a record alone decides."""

from collections.abc import Iterator, Mapping
from math import isclose
from typing import Final

import numpy as np

from dvtr_bench.ranking.bootstrap import BootstrapConfig
from dvtr_bench.ranking.movement import (
    CAPTIONS_ENCODED_AGAIN,
    GALLERY_SHUFFLED,
    LARGEST_MOVE,
    QUERIES_SHUFFLED,
    VIDEOS_ENCODED_AGAIN,
    of_v2t,
)
from dvtr_bench.results import RunRecord
from dvtr_bench.results.build import CAPPED_CHECKS
from dvtr_bench.results.setups import contamination
from leaderboard.submissions.known_datasets import (
    SPLIT,
    KnownDataset,
    KnownSplit,
    caption_videos_sha256,
)
from leaderboard.submissions.report import Line

HOW_TO_ADD: Final = (
    "docs/guides/submitting.md says how a build becomes known (`dvtr-bench submit dataset`)"
)


def check_record(record: RunRecord, known: Mapping[str, KnownDataset]) -> Iterator[Line]:
    """Check what a result states.

    Args:
        record: A record whose figures agree with its ranks.
        known: The known datasets by fingerprint.

    Yields:
        One line a check.
    """
    yield Line("protocol", "PASS", f"recall protocol, version {record.protocol_version}")
    yield _ranks(record)
    yield _intervals(record)
    yield from _dataset(record, known)
    yield _honesty(record)
    yield _post_processing(record)
    yield _contamination(record)
    yield from _claims(record)


def _ranks(record: RunRecord) -> Line:
    """Check rules that every set of ranks of one matrix of scores keeps."""
    ranks = record.rank_table.ranks
    sets, captions = (ranks[name]["strict"].pessimistic for name in ("v2t", "v2t_caption"))
    # A set scores what its best caption does: no fewer captions than sets stand before one's own.
    wrong = np.flatnonzero((captions < sets) | ((captions == 1) != (sets == 1)))
    if wrong.size:
        place = int(wrong[0])
        return Line(
            "ranks",
            "FAIL",
            f"ranks.v2t and ranks.v2t_caption disagree: query {place} is ranked {sets[place]} "
            f"among caption sets and {captions[place]} among captions, which no scores give: "
            "evaluate again",
        )
    for direction, kinds in ranks.items():
        below = np.flatnonzero(kinds["text_identical"].pessimistic > kinds["strict"].pessimistic)
        if below.size:
            return Line(
                "ranks",
                "FAIL",
                f"ranks.{direction}: query {int(below[0])} is ranked lower where more candidates "
                "count as right: evaluate again",
            )
    counts = (len(ranks["t2v"]["strict"].pessimistic), len(ranks["v2t"]["strict"].pessimistic))
    return Line("ranks", "PASS", f"attached: {counts[0]:,} T2V and {counts[1]:,} V2T queries")


def _intervals(record: RunRecord) -> Line:
    usual = BootstrapConfig()
    if record.bootstrap != usual:
        return Line(
            "intervals",
            "FAIL",
            f"made with {record.bootstrap}: expected {usual}, as all rows have: evaluate again "
            "with the defaults",
        )
    return Line("intervals", "PASS", f"{usual.level:.0%}, {usual.resamples:,} resamples")


def _dataset(record: RunRecord, known: Mapping[str, KnownDataset]) -> Iterator[Line]:
    dataset = record.dataset
    stated = f"{dataset.name} {dataset.version}, fingerprint {dataset.fingerprint[:16]}"
    found = known.get(dataset.fingerprint)
    if found is None:
        others = sorted(one.version for one in known.values() if one.name == dataset.name)
        listed = f"known of {dataset.name}: {', '.join(others) or 'none'}"
        yield Line(
            "dataset",
            "FAIL",
            f"unknown dataset fingerprint ({stated}; {listed}): it cannot be checked what was "
            f"searched; {HOW_TO_ADD}",
        )
    elif (found.name, found.version) != (dataset.name, dataset.version):
        yield Line(
            "dataset",
            "FAIL",
            f"{stated}: that fingerprint is of {found.name} {found.version}",
        )
        found = None
    else:
        yield Line("dataset", "PASS", f"{stated}, is known")
    if dataset.split != SPLIT:
        reason = f"{dataset.split}: results are reported on {SPLIT}, once"
        yield Line("whole split", "FAIL", reason)
    elif found is None:
        yield Line(
            "whole split",
            "FAIL",
            f"{dataset.num_captions:,} captions, {dataset.num_videos:,} videos: cannot be checked "
            "without a known dataset",
        )
    else:
        yield _split(record, found.test)


def _split(record: RunRecord, known: KnownSplit) -> Line:
    dataset, shared = record.dataset, record.shared_text
    facts = (
        ("dataset.num_videos", dataset.num_videos, known.num_videos),
        ("dataset.num_captions", dataset.num_captions, known.num_captions),
        ("dataset.gallery_sha256", dataset.gallery_sha256, known.video_ids_sha256),
        ("dataset.queries_sha256", dataset.queries_sha256, known.caption_ids_sha256),
        (
            "the hash of caption_video_index",
            caption_videos_sha256(record.caption_video_index),
            known.caption_videos_sha256,
        ),
        ("shared_text.shared_captions", shared.shared_captions, known.shared_captions),
    )
    for name, stated, expected in facts:
        if stated != expected:
            return Line(
                "whole split",
                "FAIL",
                f"{name} is {stated}, the dataset has {expected}: evaluate the whole split",
            )
    if not isclose(shared.ceiling, known.ceiling, rel_tol=1e-9):
        return Line(
            "whole split",
            "FAIL",
            f"shared_text.ceiling is {shared.ceiling}, the dataset has {known.ceiling}",
        )
    return Line(
        "whole split",
        "PASS",
        f"{known.num_captions:,} captions, {known.num_videos:,} videos, ids and order as built",
    )


def _honesty(record: RunRecord) -> Line:
    if record.kind != "model":
        if record.honesty:
            reason = "scores from outside cannot be scored again, but the file states checks"
            return Line("honesty checks", "FAIL", reason)
        reason = "scores from outside: what they depend on cannot be checked"
        return Line("honesty checks", "CLAIMED", reason)
    wanted = [GALLERY_SHUFFLED, CAPTIONS_ENCODED_AGAIN, VIDEOS_ENCODED_AGAIN]
    if record.scoring.text_block in (None, 1):
        wanted.insert(0, QUERIES_SHUFFLED)
    if record.scoring.each_way:
        wanted += [of_v2t(name) for name in wanted]
    there = {check.check: check for check in record.honesty}
    if missing := [name for name in wanted if name not in there]:
        reason = f"missing: {', '.join(missing)}: evaluate again with `dvtr-bench evaluate`"
        return Line("honesty checks", "FAIL", reason)
    for check in record.honesty:
        if not check.passed or not check.pairs:
            reason = (
                f"{check.check}: {check.pairs:,} pairs, scores moved by {check.largest_move:g}, "
                f"allowed {check.tolerance:g}"
            )
            return Line("honesty checks", "FAIL", reason)
        if check.check in CAPPED_CHECKS and check.tolerance > LARGEST_MOVE:
            reason = f"{check.check}: tolerance {check.tolerance:g}, at most {LARGEST_MOVE:g}"
            return Line("honesty checks", "FAIL", reason)
    return Line("honesty checks", "PASS", f"{len(record.honesty)} present, all passed")


def _post_processing(record: RunRecord) -> Line:
    scoring = record.scoring
    if scoring.post_processing == "none":
        if scoring.post_processed is not None:
            reason = f"none is stated, but {scoring.post_processed.name} is described"
            return Line("post-processing", "FAIL", reason)
        if record.kind == "model":
            return Line("post-processing", "PASS", "none")
        return Line("post-processing", "CLAIMED", "none, as stated")
    if scoring.post_processed is not None:
        reason = f"{scoring.post_processing}, by this program: it gets a table of its own"
        return Line("post-processing", "PASS", reason)
    if record.kind == "model":
        reason = f"{scoring.post_processing} is stated, but not how: evaluate again"
        return Line("post-processing", "FAIL", reason)
    reason = f"{scoring.post_processing}, as stated: it gets a table of its own"
    return Line("post-processing", "CLAIMED", reason)


def _contamination(record: RunRecord) -> Line:
    if reason := contamination(record):
        return Line("training clips", "CLAIMED", f"the row will carry a mark. {reason}")
    if record.model.training is None:
        return Line("training clips", "CLAIMED", "what it was trained on is not stated")
    return Line("training clips", "CLAIMED", "nothing says that it has seen clips of this split")


def _claims(record: RunRecord) -> Iterator[Line]:
    """Yield what ranks cannot determine."""
    model, training, seconds = record.model, record.model.training, record.seconds
    size = "unknown" if model.num_parameters is None else f"{model.num_parameters:,}"
    yield Line("model", "CLAIMED", f"{record.label}, {size} parameters, {model.backbone or 'none'}")
    trained = "not stated" if training is None else f"{training.dataset} {training.fingerprint[:8]}"
    yield Line("training data", "CLAIMED", trained)
    timed = [f"{name} {value:.3g} s" for name, value in vars(seconds).items() if value is not None]
    yield Line("seconds", "CLAIMED", ", ".join(timed) or "not timed")
    yield Line("caption groups", "CLAIMED", ", ".join(sorted(record.breakdowns)) or "none")
    reason = "that these ranks are this model's: only a rerun shows it"
    yield Line("origin", "CLAIMED", reason)
