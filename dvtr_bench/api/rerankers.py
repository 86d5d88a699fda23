"""The reranker of an evaluation: found by its name, or given as a model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dvtr_bench.api.models import Settings, WeightsLike, find_unseen_weights
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.evaluation.facts import origin_of
from dvtr_bench.evaluation.rerank import Reranker
from dvtr_bench.evaluation.run import Weights

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Retriever

RerankerLike: TypeAlias = "WeightsLike | Retriever"
"""A model's name, a checkpoint or run folder, a result of `train`, or any ``pairwise`` model."""


@dataclass(frozen=True, eq=False)
class ChosenReranker:
    """What was asked for as a reranker.

    Attributes:
        model: The model; None for no reranking.
        top: Candidates of each query that it scores.
        settings: Of a model that is not trained, ``backbone`` among them.
        runs: Folder of training runs.
        allow_seen: Whether its training may have used clips of the split.
    """

    model: "RerankerLike | None" = None
    top: int = 100
    settings: Settings = ()
    runs: Path = Path("runs")
    allow_seen: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that belong to nothing."""
        if self.settings and not isinstance(self.model, str):
            raise ConfigError(
                "settings of a reranker belong to a model that is named: name it, or leave them out"
            )

    def load(
        self,
        split: "RetrievalSplit",
        device: str,
        say: Callable[[str], None],
    ) -> Reranker | None:
        """Find the weights and load the model.

        Args:
            split: The split that is evaluated.
            device: Where the model computes; a model that was given stays where it is.
            say: Called with a line that names it.

        Returns:
            The reranker; None without one.

        Raises:
            NotFoundError: There is no such model or checkpoint.
            ProtocolError: It was trained on clips of the split, in another version.
            ConfigError: It is not ``pairwise``.
            InputError: A name was given, and the split is not of a built dataset.
        """
        if self.model is None:
            return None
        if not isinstance(self.model, str | Path | TrainedRun | Weights):
            return Reranker(self.model, self.top)
        if not isinstance(split, DatasetSplit):
            raise InputError(
                f"{self.model!r}: a reranker that is loaded by name needs a split of a built "
                "dataset; load it with load_model and pass the model"
            )
        built = BuiltDataset(split.folder, split.manifest)
        weights, _ = find_unseen_weights(
            self.model,
            built,
            split.name,
            settings=self.settings,
            runs=self.runs,
            allow_seen=self.allow_seen,
        )
        say(f"reranked by {weights.label}: the best {self.top:,} candidates of each query")
        origin = origin_of(weights.description())
        return Reranker(weights.load(device), self.top, dict(origin))
