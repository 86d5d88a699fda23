"""How evaluations from Python are carried out, and what they write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dvtr_bench.api.datasets import DatasetLike, as_dataset
from dvtr_bench.api.rerankers import ChosenReranker
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import ConfigError
from dvtr_bench.evaluation.evaluate import Evaluation, EvaluationConfig
from dvtr_bench.evaluation.evaluation_result import EvaluationResult
from dvtr_bench.evaluation.honesty import SampleConfig
from dvtr_bench.evaluation.post_process import PostProcess
from dvtr_bench.evaluation.seen_frames import seen_statement
from dvtr_bench.evaluation.written import write_evaluation
from dvtr_bench.reports.query_choice import Queries, parse_kind, require_queries
from dvtr_bench.runtime.processes import Processes
from dvtr_bench.searching.choice import choose_dataset

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Retriever


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
