"""QB-Norm: reduces the scores of hubs, candidates that are close to many training queries.

For t2v a bank of training captions is scored against the gallery. A video that is nearest to any
caption of the bank is a possible hub. If the nearest video of a query is one, the query's score
with each video is divided by the sum of that video's scores with the bank (inverted softmax).
Scores of other queries do not change (the dynamic part):

    exp(b * s[query, video]) / sum over the bank of exp(b * s[bank caption, video])

For v2t the roles are exchanged: a bank of training videos is scored against the captions of the
split.

A model that scores texts in blocks scores the captions of the bank in separate blocks, in file
order, and the captions of the split in the same blocks as in the run.

Source: Bogolin et al., "Cross Modal Retrieval with Querybank Normalisation" (CVPR 2022, arXiv
2112.12777): dynamic inverted softmax, inverse temperature 20, activation by the nearest one, all
training captions (code: ioanacroi/qb-norm, dynamic_inverted_softmax.py).

differs: we use the logarithm of that quotient, which gives the same order of candidates but neither
overflows nor becomes zero; of equal scores the first row is the nearest, in their code any; v2t is
not in their code.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from dvtr_bench.errors import ConfigError
from dvtr_bench.evaluation.score_sums import Floats, LogSums, log_sums
from dvtr_bench.evaluation.top_candidates import KeptBest

if TYPE_CHECKING:
    from dvtr_bench.evaluation.post_process import RawScores
    from dvtr_bench.evaluation.ranking import ScoreSource
    from dvtr_bench.ranking.blocks import Block

NEEDS_BANK: Final = True

STATEMENT: Final = (
    "scores are divided by what a bank of training captions (for v2t, of training videos) gives "
    "each candidate, so that the rank of a query depends on the bank, though not on the other "
    "queries of the split"
)


@dataclass(frozen=True)
class Config:
    """Settings of QB-Norm.

    Attributes:
        inverse_temperature: Factor of scores before the exponential.
        bank_captions: Training captions in the bank of t2v, evenly spaced; None for all.
        bank_videos: Training videos in the bank of v2t, evenly spaced; None for all.
    """

    inverse_temperature: float = 20.0
    bank_captions: int | None = None
    bank_videos: int | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.inverse_temperature < np.inf:
            raise ConfigError(
                f"inverse_temperature must be a number above 0, found {self.inverse_temperature}"
            )
        for name in ("bank_captions", "bank_videos"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise ConfigError(f"{name} must be at least 1, or none for all, found {size}")


def fit(config: Config, raw: "RawScores") -> "_Fitted":
    """Score the bank and compute sums and possible hubs.

    Args:
        config: The settings.
        raw: The scores of a run, with a bank.

    Returns:
        The fitted post-processor.
    """
    if raw.bank is None:
        raise ConfigError(f"{raw.source.name}: qb_norm needs a bank of training items")
    of_videos, hub_videos = _scored_bank(
        raw, config.inverse_temperature, raw.bank.captions(config.bank_captions), by_video=False
    )
    of_captions, hub_captions = _scored_bank(
        raw, config.inverse_temperature, raw.bank.videos(config.bank_videos), by_video=True
    )
    return _Fitted(
        of_videos,
        of_captions,
        np.isin(raw.ranking.best["t2v"].rows[:, 0].numpy(), hub_videos),
        np.isin(raw.ranking.best["v2t_caption"].rows[:, 0].numpy(), hub_captions),
        {
            **raw.bank.facts(config.bank_captions, config.bank_videos),
            "videos_found_by_bank": len(hub_videos),
            "captions_found_by_bank": len(hub_captions),
        },
    )


def _scored_bank(
    raw: "RawScores", inverse_temperature: float, source: "ScoreSource", *, by_video: bool
) -> tuple[LogSums, NDArray[np.int64]]:
    """Return each candidate's sum over the bank, and the possible hubs.

    Args:
        raw: The scores of the run; only its processes and names of captions are used.
        inverse_temperature: Factor of scores before the exponential.
        source: captions x videos, one side of which is the bank.
        by_video: Whether the videos are the bank; otherwise the captions are.

    Returns:
        One sum a candidate, and int64 rows of possible hubs.
    """
    grid = source.grid
    nearest = KeptBest(grid.num_videos if by_video else grid.num_captions, 1)
    caption_rows = None if raw.caption_rows is None else torch.from_numpy(raw.caption_rows)

    def see(scores: torch.Tensor, block: "Block") -> None:
        captions, videos = (
            torch.arange(run.start, run.stop, device=scores.device)
            for run in (block.captions, block.videos)
        )
        if by_video:
            if caption_rows is not None:
                captions = caption_rows[block.captions].to(scores.device)
            nearest.merge(scores.T, videos, captions, scores.amax(0))
        else:
            nearest.merge(scores, captions, videos, scores.amax(1))

    sums = log_sums(
        source,
        inverse_temperature,
        of_videos=not by_video,
        of_captions=by_video,
        watch=(see,),
        processes=raw.processes,
        caption_rows=raw.caption_rows if by_video else None,
        label=f"qb_norm: bank of {'videos' if by_video else 'captions'}",
        show_progress=raw.show_progress,
    )
    found = np.unique(nearest.merged(raw.processes).rows.numpy())
    return (sums.of_captions if by_video else sums.of_videos), found


@dataclass(frozen=True, eq=False)
class _Fitted:
    of_videos: LogSums
    of_captions: LogSums
    active_captions: NDArray[np.bool_]
    active_videos: NDArray[np.bool_]
    bank: dict[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        return {
            **self.bank,
            "normalised_queries_t2v": int(self.active_captions.sum()),
            "normalised_queries_v2t": int(self.active_videos.sum()),
        }

    def t2v(self, scores: Floats, block: "Block") -> Floats:
        normalised = self.of_videos.log_shares(scores, block.videos, 0)
        return np.where(self.active_captions[block.captions, None], normalised, scores)

    def v2t(self, scores: Floats, block: "Block") -> Floats:
        normalised = self.of_captions.log_shares(scores, block.captions, 1)
        return np.where(self.active_videos[block.videos], normalised, scores)
