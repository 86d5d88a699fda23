"""Dual softmax: a score is weighted by how much the candidate prefers this query to all others.

Source: Cheng et al., "Improving Video-Text Retrieval by Multi-Stream Corpus Alignment and Dual
Softmax Loss" (arXiv 2109.04290), whose code (starmemda/CAMoE, DSL.py) multiplies the sim_matrix by
its softmax over the other axis, as a training loss. For post-processing, an inverse temperature of
100 with cosine scores became common, as in CLIP-ViP:
``sim_matrix * softmax(100 * sim_matrix, over the queries)``.

differs: each direction has its own softmax over its own queries, like the paper's priors (some code
takes the ranks of v2t from the matrix of t2v); the authors' factor, the number of queries, is left
out, since it changes no rank; everything is float64, so that small products do not become zero and
tie.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dvtr_bench.errors import ConfigError
from dvtr_bench.evaluation.score_sums import Floats, SumsBothWays, log_sums

if TYPE_CHECKING:
    from dvtr_bench.evaluation.post_process import RawScores
    from dvtr_bench.ranking.blocks import Block

NEEDS_BANK: Final = False

STATEMENT: Final = (
    "every score is weighed by a softmax over all queries of the split, so that the rank of a "
    "query depends on the other queries: they are not independent, and a search that gets one "
    "query at a time cannot do it"
)


@dataclass(frozen=True)
class Config:
    """Settings of dual softmax.

    Attributes:
        inverse_temperature: Factor of scores before the softmax; 100 is for cosines.
    """

    inverse_temperature: float = 100.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.inverse_temperature < np.inf:
            raise ConfigError(
                f"inverse_temperature must be a number above 0, found {self.inverse_temperature}"
            )


def fit(config: Config, raw: "RawScores") -> "_Fitted":
    """Compute the denominators of all softmaxes in one pass.

    Args:
        config: The settings.
        raw: The scores of a run.

    Returns:
        The fitted post-processor.
    """
    sums = log_sums(
        raw.source,
        config.inverse_temperature,
        of_videos=True,
        of_captions=True,
        processes=raw.processes,
        caption_rows=raw.caption_rows,
        label="dual_softmax: sums",
        show_progress=raw.show_progress,
    )
    return _Fitted(sums)


@dataclass(frozen=True, eq=False)
class _Fitted:
    sums: SumsBothWays

    @property
    def facts(self) -> dict[str, Any]:
        return {}

    def t2v(self, scores: Floats, block: "Block") -> Floats:
        return _weighed(scores, self.sums.of_videos.log_shares(scores, block.videos, 0))

    def v2t(self, scores: Floats, block: "Block") -> Floats:
        return _weighed(scores, self.sums.of_captions.log_shares(scores, block.captions, 1))


def _weighed(scores: Floats, log_shares: Floats) -> Floats:
    weighed: Floats = np.exp(log_shares, out=log_shares)
    weighed *= scores
    return weighed
