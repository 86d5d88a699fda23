"""How much of its frames a model sees, said before it is trained or evaluated."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dvtr_bench.dataset.frame_sizes import stored_sizes
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.video.frame_fit import FrameFit, Part, seen_share, seen_text

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit


@runtime_checkable
class SeesSquares(Protocol):
    """A model that makes every frame square, and can say which part of it is seen."""

    @property
    def frame_fit(self) -> FrameFit:
        """How frames are made square."""
        ...

    def part_seen(self, height: int, width: int) -> Part:
        """Return where the square lies on a frame, see `dvtr_bench.video.frame_fit.seen_part`."""
        ...


def seen_statement(model: object, split: "RetrievalSplit") -> str | None:
    """Say how much of the frames of a split a model sees.

    Args:
        model: Any model.
        split: The split.

    Returns:
        A sentence; None for a model that cannot say it, or a split that is not of a built dataset.
    """
    if not isinstance(model, SeesSquares) or not isinstance(split, DatasetSplit):
        return None
    if not split.has_frames or not len(split):
        return None
    shares = [seen_share(model.part_seen(*size)) for size in stored_sizes(split)]
    text = f"the model sees {seen_text(shares, model.frame_fit)}"
    if "the middle" in text and hasattr(getattr(model, "config", None), "frame_fit"):
        text += "; --set frame_fit=squash or letterbox shows all of it"
    return text
