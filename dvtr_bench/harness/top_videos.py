"""The best videos of every caption, kept while blocks of the sim_matrix pass by."""

import torch

from dvtr_bench.protocol.blocks import Block


class TopVideos:
    """Keeps the k best videos of each caption, best first; of equal scores, the one seen first."""

    def __init__(self, k: int) -> None:
        """Start with nothing seen.

        Args:
            k: Videos to keep.
        """
        self._k = k
        self._kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def add(self, scores: torch.Tensor, block: Block) -> None:
        """Merge a block; each block of a grid must come once.

        Args:
            scores: float, captions x videos of the block.
            block: Where it stands.
        """
        columns = torch.arange(block.videos.start, block.videos.stop, device=scores.device)
        videos = columns.expand(len(scores), -1)
        if block.captions.start not in self._kept:
            self._kept[block.captions.start] = self._best(scores, videos)
            return
        best, kept = self._kept[block.captions.start]
        if best.shape[1] < self._k:
            joined = torch.cat([best, scores], dim=1), torch.cat([kept, videos], dim=1)
            self._kept[block.captions.start] = self._best(*joined)
        # Most blocks hold nothing for most captions: only rows with something better are merged.
        elif self._k and len(rows := (scores.amax(1) > best[:, -1]).nonzero()[:, 0]):
            joined = (
                torch.cat([best[rows], scores[rows]], dim=1),
                torch.cat([kept[rows], videos[rows]], dim=1),
            )
            best[rows], kept[rows] = self._best(*joined)

    def result(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what was kept.

        Returns:
            int64, T x k: video rows, best first; and their scores, float32. k is the gallery's size
            where that is smaller.
        """
        parts = [self._kept[start] for start in sorted(self._kept)]
        return (
            torch.cat([videos for _, videos in parts]).cpu(),
            torch.cat([scores for scores, _ in parts]).float().cpu(),
        )

    def _best(
        self, scores: torch.Tensor, videos: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        order = scores.argsort(dim=1, descending=True, stable=True)[:, : self._k]
        return scores.gather(1, order), videos.gather(1, order)
