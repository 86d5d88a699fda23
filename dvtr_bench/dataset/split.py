"""The interface of a dataset split: queries, gallery, relevance and frames."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.models.retriever import Frames


@runtime_checkable
class RetrievalSplit(Protocol):
    """The queries (captions) and the gallery (videos) of one split, in file order.

    `dvtr_bench.dataset.parquet_split.DatasetSplit` implements it for built datasets.
    """

    @property
    def dataset_name(self) -> str:
        """Name of the dataset, such as ``usrd``."""
        ...

    @property
    def dataset_version(self) -> str:
        """Version of the dataset, such as ``1.0.0``."""
        ...

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the dataset, a hash of rows and settings."""
        ...

    @property
    def name(self) -> str:
        """``train``, ``validation`` or ``test``."""
        ...

    @property
    def sampling(self) -> str:
        """How the frames were sampled, such as ``uniform:12``."""
        ...

    @property
    def video_ids(self) -> tuple[str, ...]:
        """V ids, verbatim, in row order."""
        ...

    @property
    def categories(self) -> tuple[str | None, ...]:
        """V categories."""
        ...

    @property
    def caption_ids(self) -> tuple[str, ...]:
        """T ids: for each video in row order, its captions in source order."""
        ...

    @property
    def captions(self) -> tuple[str, ...]:
        """T captions, verbatim."""
        ...

    @property
    def caption_video_index(self) -> "NDArray[np.int64]":
        """int64, T: the row of each caption's video, in 0..V-1."""
        ...

    @property
    def has_frames(self) -> bool:
        """False for an annotations-only dataset."""
        ...

    def frames(self, index: int) -> "Frames":
        """Return the stored frames of video ``index``, decoded: RGB uint8 arrays, in time order."""
        ...

    def row(self, index: int) -> Mapping[str, Any]:
        """Return all other columns of video ``index``, with the dataset's extra columns."""
        ...
