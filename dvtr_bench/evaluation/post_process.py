"""Post-processing of scores, which gives a separate matrix for each direction.

Scores are post-processed differently for t2v and v2t, so the two cannot be ranked from one
sim_matrix. A post-processor is fitted in streaming passes over the raw scores. Then each direction
is ranked from blocks that are scored and post-processed one by one; the whole matrix is never in
memory.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.catalog import POST_PROCESSORS
from dvtr_bench.errors import ConfigError
from dvtr_bench.evaluation.query_bank import QueryBank, require_bank
from dvtr_bench.evaluation.ranking import Ranking, ScoreSource, each_way, rank
from dvtr_bench.results.record import PostProcessingFacts, ScoringFacts
from dvtr_bench.runtime.processes import ALONE, Processes
from dvtr_bench.settings import NoSettings, parse_settings

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.blocks import Block, Grid
    from dvtr_bench.ranking.relevance import Relevance

Floats = NDArray[np.float64]

_FOR_ALL = (
    "Honesty checks, where there are any, were made on the scores before it. Intervals draw "
    "queries anew, but do not post-process anew"
)


@dataclass(frozen=True, eq=False)
class RawScores:
    """The input of a post-processor.

    Attributes:
        source: The scores before any post-processing.
        ranking: Ranks and best candidates by these scores.
        bank: Training items, for a post-processor that needs them.
        processes: The processes that share the work.
        show_progress: Whether to show progress bars.
        caption_rows: int64, T: the rows by which captions are named; None for their rows among
            the scores.
        v2t: The scores by which videos are ranked, where they have their own; else None.
    """

    source: ScoreSource
    ranking: Ranking
    bank: QueryBank | None = None
    processes: Processes = ALONE
    show_progress: bool = False
    caption_rows: NDArray[np.int64] | None = None
    v2t: "RawScores | None" = None


class Fitted(Protocol):
    """A post-processor after fitting it to a run."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts for the record, besides the settings (JSON values)."""
        ...

    def t2v(self, scores: Floats, block: "Block") -> Floats:
        """Return the scores for ranking by captions: float64, captions x videos of the block."""
        ...

    def v2t(self, scores: Floats, block: "Block") -> Floats:
        """Return the scores for ranking by videos: float64, captions x videos of the block."""
        ...


@dataclass(frozen=True)
class PostProcess:
    """A post-processor with its settings.

    Attributes:
        name: A file of `dvtr_bench.evaluation.post_processing`.
        config: Its ``Config``; `NoSettings` without one.
    """

    name: str
    config: Any

    @classmethod
    def of(cls, text: str) -> "PostProcess":
        """Parse a post-processor with its settings.

        Args:
            text: A name, with the settings that differ from the published ones.

        Returns:
            The post-processor.

        Raises:
            NotFoundError: There is no post-processor of this name.
            ConfigError: There is no such setting, or its value is not allowed.

        Example:
            >>> PostProcess.of("qb_norm:bank_captions=1000").config.inverse_temperature
            20.0
        """
        name, _, settings = text.partition(":")
        module = POST_PROCESSORS.load(name.strip())
        parts = [part for part in settings.split(",") if part.strip()]
        config = getattr(module, "Config", NoSettings)
        given = parse_settings(config, parts)
        return cls(POST_PROCESSORS.entry(name.strip()).name, config(**given))

    @property
    def label(self) -> str:
        """Name and all settings, the heading of a table of results.

        Example:
            >>> PostProcess.of("dual-softmax").label
            'dual_softmax (inverse_temperature=100)'
        """
        settings = ", ".join(f"{key}={_shown(value)}" for key, value in asdict(self.config).items())
        return f"{self.name} ({settings})" if settings else self.name

    @property
    def needs_bank(self) -> bool:
        """Whether it needs training captions and videos."""
        return bool(getattr(POST_PROCESSORS.load(self.name), "NEEDS_BANK", False))

    def apply(
        self,
        raw: RawScores,
        scoring: ScoringFacts,
        split: "RetrievalSplit",
        relevance: "Relevance",
        top_k: int,
    ) -> tuple[ScoringFacts, Ranking]:
        """Fit it to a run and rank each direction by the post-processed scores.

        Args:
            raw: The scores of the run.
            scoring: Their description in the record.
            split: The split, with the ids of captions and videos.
            relevance: Relevance of the split.
            top_k: Candidates to keep for each query.

        Returns:
            The description of the post-processed scores for the record, and their ranks and best
            candidates, the same in every process. The seconds are those of fitting and ranking.

        Raises:
            InputError: A score is infinite.
        """
        started = time.perf_counter()
        module = POST_PROCESSORS.load(self.name)
        fitted: Fitted = module.fit(self.config, raw)
        if raw.v2t is not None:
            fitted = _FittedEachWay(fitted, module.fit(self.config, raw.v2t))
        ranking = rank_each_way(raw, fitted, split, relevance, top_k, self.name)
        ranking = replace(ranking, seconds=time.perf_counter() - started)
        done = PostProcessingFacts(
            self.name, asdict(self.config), dict(fitted.facts), f"{module.STATEMENT}. {_FOR_ALL}"
        )
        return replace(scoring, post_processing=self.label, post_processed=done), ranking


def rank_each_way(
    raw: RawScores,
    fitted: Fitted,
    split: "RetrievalSplit",
    relevance: "Relevance",
    top_k: int,
    name: str,
) -> Ranking:
    """Rank each direction by scores of its own.

    Args:
        raw: The scores of the run.
        fitted: Makes the scores of each direction of them.
        split: The split, with the ids of captions and videos.
        relevance: Relevance of the split.
        top_k: Candidates to keep for each query.
        name: Of what made the scores, for progress bars.

    Returns:
        Ranks and best candidates, the same in every process; the seconds are those of ranking.

    Raises:
        InputError: A score is infinite.
    """
    started = time.perf_counter()
    of_v2t = raw if raw.v2t is None else raw.v2t
    t2v, v2t = (
        rank(
            _OneWay(source, make),
            split,
            relevance,
            top_k=top_k,
            caption_rows=raw.caption_rows,
            processes=raw.processes,
            label=f"{name}: {way}",
            show_progress=raw.show_progress,
        )
        for way, source, make in (
            ("t2v", raw.source, fitted.t2v),
            ("v2t", of_v2t.source, fitted.v2t),
        )
    )
    return replace(
        each_way(t2v, v2t), seconds=time.perf_counter() - started, device=raw.ranking.device
    )


def require_feasible(
    chosen: "Sequence[PostProcess]",
    split: "RetrievalSplit | None" = None,
    bank: "RetrievalSplit | None" = None,
) -> None:
    """Refuse post-processors that cannot be applied, before anything is scored.

    Args:
        chosen: Post-processors.
        split: The split that a model is evaluated on; None for given scores.
        bank: The train split to use as a bank; None without one.

    Raises:
        ConfigError: One is chosen twice, or needs a bank and there is none.
        ProtocolError: The bank is not the train split of the same build.
    """
    labels = [one.label for one in chosen]
    if again := next((label for label in labels if labels.count(label) > 1), None):
        raise ConfigError(f"{again} is asked for twice: name it once")
    for one in chosen:
        if one.needs_bank and (bank is None or split is None):
            raise ConfigError(
                f"{one.name} needs the scores of a bank of training captions and videos, which "
                "only a model can give: evaluate a --model (in Python, pass the train split as the "
                f"bank), or bring scores that you have post-processed and say so with "
                f"--already-processed {one.name}"
            )
        if one.needs_bank and bank is not None and split is not None:
            require_bank(bank, split)


@dataclass(frozen=True, eq=False)
class _FittedEachWay:
    """A post-processor that was fitted to the scores of each direction by themselves."""

    of_t2v: Fitted
    of_v2t: Fitted

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of both; by direction where they differ."""
        t2v, v2t = self.of_t2v.facts, self.of_v2t.facts
        return {
            name: t2v[name] if t2v[name] == v2t[name] else {"t2v": t2v[name], "v2t": v2t[name]}
            for name in t2v
        }

    def t2v(self, scores: Floats, block: "Block") -> Floats:
        return self.of_t2v.t2v(scores, block)

    def v2t(self, scores: Floats, block: "Block") -> Floats:
        return self.of_v2t.v2t(scores, block)


class _OneWay:
    """Blocks of a sim_matrix, post-processed for one direction."""

    def __init__(self, source: ScoreSource, make: "Callable[[Floats, Block], Floats]") -> None:
        self.name = source.name
        self._source = source
        self._make = make

    @property
    def grid(self) -> "Grid":
        return self._source.grid

    def score(self, block: "Block") -> torch.Tensor:
        return torch.from_numpy(self._make(self._source.score(block).cpu().double().numpy(), block))


def _shown(value: object) -> str:
    if value is None:
        return "all"
    return f"{value:g}" if isinstance(value, float) else str(value)
