"""Shards by number, without an end, fetched a few ahead of the one in use."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from torch.utils.data import DataLoader, Dataset, Sampler

from dvtr_bench.runtime.interrupts import interrupts_held

Shard = TypeVar("Shard")


class _Shards(Dataset[Shard]):
    def __init__(self, fetch: Callable[[int], Shard]) -> None:
        self._fetch = fetch

    def __getitem__(self, number: int) -> Shard:
        return self._fetch(number)


class _From(Sampler[int]):
    """All numbers from one on."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __iter__(self) -> Iterator[int]:
        number = self._first
        while True:
            yield number
            number += 1


def shards_ahead(fetch: Callable[[int], Shard], first: int, workers: int) -> Iterator[Shard]:
    """Fetch shards in order.

    Args:
        fetch: Returns a shard by its number; runs in worker processes.
        first: Number of the first.
        workers: Processes that fetch; 0 fetches in this one.

    Returns:
        The shards; there is no last one.
    """
    loader = DataLoader(
        _Shards(fetch),
        batch_size=None,
        sampler=_From(first),
        num_workers=workers,
        prefetch_factor=2 if workers else None,
        # A forked worker hangs where this process has used threads.
        multiprocessing_context="spawn" if workers else None,
    )
    with interrupts_held():
        return iter(loader)
