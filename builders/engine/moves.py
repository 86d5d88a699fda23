"""Clips that stand in another split than in the dataset that a build replaces or follows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from builders.engine.settings import BuildSettings
from builders.sources.matching import bullets
from builders.sources.source import Source
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import BuildError
from dvtr_bench.runtime.terminal import count_of

_TEST = "test"


@dataclass(frozen=True)
class Moves:
    """The clips that change their split.

    Attributes:
        previous: The dataset before.
        num_shared: Number of ids in both.
        out_of_test: A line for each clip that leaves the test split.
        num_test: Number of test clips before.
        counts: Number of clips by old and new split, of ids in both.
    """

    previous: BuiltDataset
    num_shared: int
    out_of_test: tuple[str, ...]
    num_test: int
    counts: Mapping[tuple[str, str], int]

    @property
    def num_moved(self) -> int:
        """Number of ids that change their split."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        """Say how many clips change their split, and how."""
        ways = ", ".join(
            f"{count:,} from {old} to {new}"
            for (old, new), count in sorted(self.counts.items(), key=lambda item: -item[1])
        )
        return (
            f"{self.num_moved:,} of {count_of(self.num_shared, 'clip')} are in another split than "
            f"in {_title(self.previous)}: {ways}"
        )


def find_moves(
    source: Source, previous: BuiltDataset, identity_of: Mapping[str, str | None]
) -> Moves:
    """Find the clips that change their split.

    Args:
        source: The new dataset.
        previous: The dataset before.
        identity_of: Hash of each new clip by id; may be empty. With it, clips are recognised by
            their file too.

    Returns:
        The clips.
    """
    old_split: dict[str, str] = {}
    test_files: dict[str, str] = {}
    for name in previous.split_names:
        split = previous.split(name)
        old_split.update(dict.fromkeys(split.video_ids, name))
        if name == _TEST and identity_of and split.has_frames:
            hashes = zip(split.clip_sha256, split.video_ids, strict=True)
            test_files = {sha256: video_id for sha256, video_id in hashes if sha256 is not None}
    counts: Counter[tuple[str, str]] = Counter()
    lines: list[str] = []
    num_shared = 0
    for clip in source.clips:
        before = old_split.get(clip.video_id)
        num_shared += before is not None
        if before not in (None, clip.split):
            counts[str(before), clip.split] += 1
        same_file = test_files.get(identity_of.get(clip.video_id) or "")
        if clip.split == _TEST:
            continue
        if before == _TEST:
            lines.append(f"{clip.video_id!r}: to {clip.split}")
        elif same_file is not None and old_split.get(clip.video_id) != _TEST:
            lines.append(f"{clip.video_id!r} in {clip.split}: the same file as {same_file!r}")
    num_test = sum(name == _TEST for name in old_split.values())
    return Moves(previous, num_shared, tuple(lines), num_test, counts)


def require_test_clips_stay(moves: Moves, source: Source, settings: BuildSettings) -> None:
    """Stop a build that would take clips out of the test split.

    Args:
        moves: The clips that change their split.
        source: The new dataset.
        settings: Whether to go on.

    Raises:
        BuildError: Clips would leave the test split, and the user has not asked for it.
    """
    if settings.move_test_clips or not moves.out_of_test:
        return
    keep = f"--splits-from {moves.previous.label} keeps every clip where it is"
    raise BuildError(
        f"{source.info.name} {source.info.version}: {len(moves.out_of_test):,} of "
        f"{count_of(moves.num_test, 'test clip')} of {_title(moves.previous)} would leave the "
        "test split, so a model could be trained on what earlier results were measured on:"
        f"{bullets(moves.out_of_test)}\n"
        + (f"{keep[0].upper()}{keep[1:]}. " if source.version_is_stated else "")
        + "To go on all the same: --move-test-clips"
    )


def _title(dataset: BuiltDataset) -> str:
    return f"{dataset.name} {dataset.manifest.version}"
