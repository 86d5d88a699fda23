"""A dataset under audit: its splits and the statistics of their frames."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from builders.checks.audit.frame_looks import FrameLooks, look_at_frames
from builders.sources.source import Origin, origin_of
from dvtr_bench.dataset.manifest import SPLITS
from dvtr_bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.dataset.split import RetrievalSplit

NO_FRAMES = "not measured: this build holds no frames"


@dataclass(frozen=True)
class NotMeasured:
    """Why a finding was not measured.

    Attributes:
        reason: A sentence.
    """

    reason: str


@dataclass(frozen=True)
class Subject:
    """One dataset, split by split.

    Attributes:
        name: Its name.
        version: Its version.
        fingerprint: Its fingerprint.
        splits: By name, in the order train, validation, test.
        origin: The source collection of its clips, if stated.
    """

    name: str
    version: str
    fingerprint: str
    splits: "Mapping[str, RetrievalSplit]"
    origin: Origin | None = None
    _looks: dict[str, FrameLooks] = field(default_factory=dict, repr=False, compare=False)

    @property
    def has_frames(self) -> bool:
        """Whether every split has frames."""
        return all(split.has_frames for split in self.splits.values())

    def looks(self, split: str, show_progress: bool) -> FrameLooks:
        """Return the statistics of a split's frames, which are decoded at most once.

        Args:
            split: Its name.
            show_progress: Whether to show a progress bar while frames are decoded.
        """
        if split not in self._looks:
            self._looks[split] = look_at_frames(self.splits[split], show_progress)
        return self._looks[split]


def subject_of(dataset: "BuiltDataset") -> Subject:
    """Open a built dataset for an audit.

    Args:
        dataset: The dataset.

    Returns:
        All its splits; frames are read when a finding needs them.
    """
    manifest = dataset.manifest
    return Subject(
        name=manifest.name,
        version=manifest.version,
        fingerprint=manifest.fingerprint,
        splits={name: dataset.split(name) for name in dataset.split_names},
        origin=origin_of(manifest),
    )


def told_apart(subject: Subject, against: Subject) -> tuple[Subject, Subject]:
    """Make the names of two datasets differ, such as of two versions of one dataset.

    Args:
        subject: A dataset.
        against: Another one.

    Returns:
        Both, unchanged if their names differ.

    Raises:
        InputError: They are the same build.
    """
    if subject.fingerprint == against.fingerprint:
        raise InputError(
            f"{subject.name} and {against.name} are the same build ({subject.fingerprint[:12]}): "
            "expected another dataset to compare with; inside one dataset clips and captions are "
            "compared without it"
        )
    if subject.name != against.name:
        return subject, against

    def renamed(dataset: Subject) -> Subject:
        by = dataset.version if subject.version != against.version else dataset.fingerprint[:6]
        return replace(dataset, name=f"{dataset.name} {by}")

    return renamed(subject), renamed(against)


def label(subject: Subject, split: str, against: Subject | None) -> str:
    """Return the label of a split in a table, with its dataset if there are two.

    Example:
        >>> label(Subject("usrd", "1.0.0", "f", {}), "test", None)
        'test'
    """
    return f"{subject.name} {split}" if against is not None else split


def leak_order(of_split: str, in_split: str) -> tuple[int, int]:
    """Return a sort key for leaks of one split into another.

    Args:
        of_split: A split's name.
        in_split: Another split's name.

    Returns:
        A key that sorts test in train first, then validation in train.

    Example:
        >>> leak_order("test", "train") < leak_order("train", "test")
        True
    """
    return SPLITS.index(in_split), -SPLITS.index(of_split)
