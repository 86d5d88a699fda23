"""How evaluations from Python are carried out and what they write; rerankers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.models import Settings, WeightsLike, find_unseen_weights
from dvtr_bench.api.trained_run import TrainedRun
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.evaluation.evaluate import Evaluation, EvaluationConfig
from dvtr_bench.evaluation.evaluation_result import EvaluationResult, write_evaluation
from dvtr_bench.evaluation.facts import origin_of, seen_statement
from dvtr_bench.evaluation.honesty import SampleConfig
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.evaluation.rerank import Reranker
from dvtr_bench.evaluation.run import Weights
from dvtr_bench.reports.shown_queries import Queries, parse_kind, require_queries
from dvtr_bench.runtime.processes import Processes
from dvtr_bench.searching.choice import choose_dataset

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


PostProcessLike: TypeAlias = str | PostProcess
"""``dual_softmax`` or ``qb_norm``, with settings as ``qb_norm:bank_captions=1000``."""


@dataclass(frozen=True)
class WrittenFiles:
    """What is written of an evaluation, and where; no folder writes nothing."""

    folder: str | Path | None
    queries: Queries
    browse: int

    def __post_init__(self) -> None:
        """Report a wrong choice before anything is scored."""
        if self.browse < 0:
            raise ConfigError(f"browse: expected a number of queries, found {self.browse}")
        words = [self.queries] if isinstance(self.queries, str) else list(self.queries)
        if len(words) == 1:
            parse_kind(words[0], runs=1)

    def require_queries(self, split: "RetrievalSplit") -> None:
        """Report a caption that the split does not have, before anything is scored."""
        if self.folder is not None and split.has_frames:
            require_queries(self.queries, split.caption_ids)

    def write(
        self, evaluation: Evaluation, split: "RetrievalSplit", processes: Processes
    ) -> tuple[Path, ...]:
        """Write the files; return the paths."""
        if self.folder is None:
            return ()
        return write_evaluation(
            evaluation,
            split,
            Path(self.folder),
            processes,
            queries=self.queries,
            browse=self.browse,
        )


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of an evaluation, and what to do with its result."""

    device: str
    post_process: Sequence[PostProcess]
    top: int
    written: WrittenFiles
    cache: bool
    show_progress: bool
    tell: Callable[[str], None] | None
    processes: Processes
    check_seed: int = 0
    reranker: ChosenReranker = ChosenReranker()

    @property
    def needs_bank(self) -> bool:
        """Whether a post-processor needs the train split."""
        return any(processor.needs_bank for processor in self.post_process)

    def say(self, line: str) -> None:
        """Pass a line to the caller, from the first process only."""
        if self.tell is not None and self.processes.is_first:
            self.tell(line)

    def introduced(self, model: "Retriever", split: "RetrievalSplit") -> "Retriever":
        """Tell the caller how much of each frame a model sees, if anybody listens; return it."""
        if self.tell is not None and self.processes.is_first:
            if (statement := seen_statement(model, split)) is not None:
                self.tell(statement)
        return model

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments of every evaluation."""
        return {
            "config": EvaluationConfig(
                cache=self.cache, top_k=self.top, sample=SampleConfig(seed=self.check_seed)
            ),
            "post_process": self.post_process,
            "processes": self.processes,
            "show_progress": self.show_progress,
        }

    def finished(self, evaluation: Evaluation, split: "RetrievalSplit") -> EvaluationResult:
        """Write the result files, if wanted."""
        return EvaluationResult(
            evaluation, split, self.written.write(evaluation, split, self.processes)
        )


def open_split(
    dataset: "DatasetLike | RetrievalSplit | None", split: str, root: str | Path
) -> "tuple[RetrievalSplit, DatasetSplit | None]":
    """Return a split, and the train split of its dataset if there is one.

    Args:
        dataset: A name, a folder, an open dataset or a split; None for the only built one.
        split: Name of the split, where a whole dataset is given.
        root: Folder in which a dataset's name is looked up.
    """
    if dataset is None:
        dataset = choose_dataset(None, Path(root))
    if isinstance(dataset, str | Path | BuiltDataset):
        dataset = as_dataset(dataset, root).split(split)
    bank = None
    if isinstance(dataset, DatasetSplit) and "train" in dataset.manifest.splits:
        bank = DatasetSplit(dataset.folder, dataset.manifest, "train")
    return dataset, bank


def as_post_process(post_process: PostProcessLike) -> PostProcess:
    """Return a post-processor; a text is parsed."""
    return PostProcess.of(post_process) if isinstance(post_process, str) else post_process
