"""Find what is available to illustrate a comparison: caption texts, top lists, frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.errors import NotFoundError
from dvtr_bench.results.top_lists import TopLists
from leaderboard.result_files import ResultFile, searched_split

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


@dataclass(frozen=True)
class Evidence:
    """What is available for two runs.

    Attributes:
        split: The split that they searched; None if this build is not available.
        top: The top lists of both; None if either is missing.
        missing: What is not available, one line each.
    """

    split: "RetrievalSplit | None"
    top: tuple[TopLists, TopLists] | None
    missing: tuple[str, ...]

    @property
    def caption_ids(self) -> Sequence[str] | None:
        """Ids of all captions in row order; None if not available."""
        if self.split is not None:
            return self.split.caption_ids
        return None if self.top is None else self.top[0]["t2v"].query_ids

    @property
    def can_be_drawn(self) -> bool:
        """Whether clips and their frames are available."""
        return self.split is not None and self.split.has_frames and self.top is not None


def find_evidence(
    first: ResultFile,
    second: ResultFile,
    root: Path = ROOT,
    split: "RetrievalSplit | None" = None,
) -> Evidence:
    """Look for the dataset and the top lists of two comparable runs.

    Args:
        first: Run A.
        second: Run B.
        root: Folder of the datasets.
        split: The split that they searched, if it is open.

    Returns:
        What is available.

    Raises:
        ResultError: Top lists beside a result file belong to another run.
        InputError: The dataset's manifest is not readable, too new or too old.
    """
    missing = []
    try:
        split = searched_split(first.record, root) if split is None else split
        if not split.has_frames:
            missing.append(f"no clips to draw: {root / split.dataset_name} was built without them")
    except NotFoundError as failure:
        missing.append(f"no caption texts and no clips to draw: {failure}")
    top = None
    try:
        top = (
            first.top_lists(),
            second.top_lists(),
        )
    except NotFoundError as failure:
        missing.append(f"no clips to draw: {failure}")
    return Evidence(split, top, tuple(missing))
