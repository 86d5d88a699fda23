"""The sim_matrix of one run, block by block, into ranks: in one process or in several."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import torch

from dvtr_bench.evaluation.top_candidates import Best, TopCandidates
from dvtr_bench.ranking import Direction
from dvtr_bench.ranking.ranks import NanCount, RankCounter
from dvtr_bench.runtime.processes import ALONE, Processes
from dvtr_bench.runtime.progress import progress_bar

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.ranking.blocks import Block, Grid
    from dvtr_bench.ranking.rank_table import RankTable
    from dvtr_bench.ranking.relevance import Relevance

KEPT_BYTES: Final = 32 << 20
"""Room for scores that are kept from the first round for the second."""


class ScoreSource(Protocol):
    """Where blocks of a sim_matrix come from: a model, or scores that someone brought."""

    @property
    def name(self) -> str:
        """Who scored, for messages."""
        ...

    @property
    def grid(self) -> "Grid":
        """How captions x videos are cut."""
        ...

    def score(self, block: "Block") -> torch.Tensor:
        """Return the scores of a block: float, captions x videos, the same at every call."""
        ...


@dataclass(frozen=True, eq=False)
class Ranking:
    """What one pass over the sim_matrix gives.

    Attributes:
        table: The ranks of every query.
        best: The best candidates of every query, by direction.
        seconds: What scoring and counting took.
        device: Where the scores were.
        dtype: Of the scores.
    """

    table: "RankTable"
    best: dict[Direction, Best]
    seconds: float
    device: torch.device
    dtype: torch.dtype


def rank(
    source: ScoreSource,
    split: "RetrievalSplit",
    relevance: "Relevance",
    *,
    top_k: int,
    watch: Sequence[Callable[[torch.Tensor, "Block"], None]] = (),
    processes: Processes = ALONE,
    label: str = "score",
    show_progress: bool = True,
) -> Ranking:
    """Rank every query of a split.

    Several processes share the runs of columns; every block is scored as one process would score
    it, so the ranks are the same to the bit.

    Args:
        source: The scores.
        split: Names the captions and the videos.
        relevance: Of the split.
        top_k: Candidates to keep for each query.
        watch: Called with every block that this process scores.
        processes: Those that share the work.
        label: Of the progress bar.
        show_progress: False for no progress bar.

    Returns:
        The ranks, the same in every process.

    Raises:
        NotANumberError: Scores were NaN.
        ProtocolError: The source scores a pair otherwise when it is asked twice.
    """
    counter = RankCounter(
        relevance, source.name, caption_ids=split.caption_ids, video_ids=split.video_ids
    )
    top = TopCandidates(top_k, torch.tensor(relevance.caption_video_index), relevance.num_videos)
    started = time.perf_counter()
    blocks = [block for run in processes.mine(list(source.grid.columns())) for block in run]
    form: list[tuple[torch.dtype, torch.device]] = []

    def look(scores: torch.Tensor, block: "Block") -> None:
        form[:] = [(scores.dtype, scores.device)]
        for see in (top.add, *watch):
            see(scores, block)

    wanted = counter.wanted(blocks)
    with progress_bar(label, len(wanted) + len(blocks), enabled=show_progress) as advance:
        count_blocks(
            counter,
            blocks,
            wanted,
            source.score,
            between=lambda: processes.take_greatest(counter.best_relevant),
            look=look,
            advance=advance,
        )
    ((dtype, device),) = next(found for found in processes.gathered(form) if found)
    processes.add_up(counter.counted)
    counter.nans = NanCount.joined(processes.gathered(counter.nans))
    return Ranking(
        table=counter.table(),
        best=top.merged(processes),
        seconds=time.perf_counter() - started,
        device=device,
        dtype=dtype,
    )


def count_blocks(
    counter: RankCounter,
    blocks: Sequence["Block"],
    wanted: Collection[int],
    score: Callable[["Block"], torch.Tensor],
    *,
    between: Callable[[], None] = lambda: None,
    look: Callable[[torch.Tensor, "Block"], None] = lambda scores, block: None,
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Feed blocks to a counter: those with relevant pairs to learn the best, then all to count.

    Blocks of the first round are kept for the second while there is room, so that a small
    sim_matrix is scored once.

    Args:
        counter: Counts.
        blocks: Whole runs of columns.
        wanted: Which of them the first round needs, see `RankCounter.wanted`.
        score: Returns the scores of a block.
        between: Called between the rounds.
        look: Called with every block, once.
        advance: Called after every block of either round.
    """
    kept: dict[int, torch.Tensor] = {}
    room = KEPT_BYTES
    for number in sorted(wanted):
        block = blocks[number]
        scores = score(block)
        counter.note_relevant(scores, block)
        room -= scores.nbytes
        if room >= 0:
            # A copy: a model may write its next scores into the same memory.
            kept[number] = scores.clone()
        advance()
    between()
    for number, block in enumerate(blocks):
        scores = kept.pop(number) if number in kept else score(block)
        counter.count(scores, block)
        look(scores, block)
        advance()
