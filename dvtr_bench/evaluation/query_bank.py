"""A bank of training captions and videos, scored against the videos and captions of a run."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.dataset.split import require_whole_split
from dvtr_bench.errors import ConfigError, ProtocolError
from dvtr_bench.features.encode import select_rows
from dvtr_bench.models.retriever import features_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.evaluation.ranking import Scorer
    from dvtr_bench.features.encode_split import EncodedSplit


class QueryBank:
    """Scores of training items, computed in the same way as those of the run.

    Attributes:
        split: The training split.
    """

    def __init__(
        self,
        split: "RetrievalSplit",
        encoded: "EncodedSplit",
        scorer: "Scorer",
        direction: str = "t2v",
    ) -> None:
        """Create the bank of a run.

        Args:
            split: The training split.
            encoded: Its features.
            scorer: Scorer of the run.
            direction: Which direction it scores, where each has its own scores.
        """
        self.split = split
        self._texts = features_in(scorer.retriever, encoded.texts, direction)
        self._videos = features_in(scorer.retriever, encoded.videos, direction)
        self._scorer = scorer

    def captions(self, count: int | None) -> "Scorer":
        """Return the scores of training captions, in separate blocks, with the gallery.

        Args:
            count: Number of captions, evenly spaced in file order; None for all.

        Returns:
            Training captions x videos of the run.

        Raises:
            ConfigError: There are fewer captions.
        """
        rows = self._rows("captions", self.split.caption_ids, count)
        return self._scorer.with_features(
            texts=select_rows(self._texts, torch.from_numpy(rows)),
            videos=self._scorer.videos,
        )

    def videos(self, count: int | None) -> "Scorer":
        """Return the scores of the queries, in the blocks of the run, with training videos.

        Args:
            count: Number of videos, evenly spaced in file order; None for all.

        Returns:
            Captions of the run x training videos.

        Raises:
            ConfigError: There are fewer videos.
        """
        rows = self._rows("videos", self.split.video_ids, count)
        return self._scorer.with_features(
            texts=self._scorer.texts,
            videos=select_rows(self._videos, torch.from_numpy(rows)),
        )

    def facts(self, captions: int | None, videos: int | None) -> dict[str, Any]:
        """Return the bank's description for the record: sizes and hashes of ids (JSON values)."""
        found: dict[str, Any] = {"bank_split": self.split.name}
        for what, ids, count in (
            ("captions", self.split.caption_ids, captions),
            ("videos", self.split.video_ids, videos),
        ):
            chosen = [ids[row] for row in self._rows(what, ids, count)]
            found[f"bank_{what}"] = len(chosen)
            found[f"bank_{what}_sha256"] = ids_sha256(chosen)
        return found

    def _rows(self, what: str, ids: "Sequence[str]", count: int | None) -> NDArray[np.int64]:
        wanted = len(ids) if count is None else count
        if wanted > len(ids):
            raise ConfigError(
                f"bank_{what} is {wanted}, but {self.split.dataset_name} {self.split.name} has "
                f"{len(ids)} {what}: leave it out to take all"
            )
        return np.arange(wanted, dtype=np.int64) * len(ids) // wanted


def require_bank(bank: "RetrievalSplit", split: "RetrievalSplit") -> None:
    """Refuse a bank that is not the complete train split of the same build.

    Args:
        bank: The split to use as a bank.
        split: The split to evaluate.

    Raises:
        ProtocolError: The bank is not ``train``, is of another dataset or build, or is the split to
            evaluate.
    """
    if bank.name != "train":
        raise ProtocolError(
            f"{bank.dataset_name}: a bank is made of training captions and videos, never of "
            f"{bank.name}: pass the train split"
        )
    if split.name == bank.name:
        raise ProtocolError(
            f"{split.dataset_name}: {split.name} cannot be evaluated with itself as the bank: "
            "evaluate validation or test"
        )
    if bank.fingerprint != split.fingerprint:
        raise ProtocolError(
            f"the bank is the train split of {bank.dataset_name} (fingerprint "
            f"{bank.fingerprint[:12]}), but what is evaluated is {split.dataset_name} "
            f"({split.fingerprint[:12]}): another build may train on clips of this "
            f"{split.name} split. Pass the train split of the same build"
        )
    require_whole_split(bank)
