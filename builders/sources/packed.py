"""Compressed sequences in memory, for the clips and rows of large builds."""

import pickle
import zlib
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, TypeVar, overload

Item = TypeVar("Item")

_BLOCK_ITEMS: Final = 128
_BLOCK_KEYS: Final = 64
_WAITING_ITEMS: Final = 32_768


class _SequenceWithViews(Sequence[Item]):
    """A sequence whose slices are views."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> "Picked[Item]": ...
    def __getitem__(self, index: int | slice) -> "Item | Picked[Item]":
        """Return one item, or a view of a slice."""
        indices = range(len(self))[index]
        return self._item(indices) if isinstance(indices, int) else Picked(self, indices)

    @abstractmethod
    def _item(self, index: int) -> Item:
        """Return the item at a non-negative index."""


class Packed(_SequenceWithViews[Item]):
    """A sequence of items in pickled and compressed blocks, unpacked on every read.

    A clip with two captions takes about 100 bytes, instead of about 2,000 as Python objects. The
    last items, fewer than a block, are not packed. Reading in order takes microseconds an item; in
    another order, each read may unpack a block.

    Example:
        >>> squares = Packed(number**2 for number in range(1000))
        >>> len(squares), squares[-1], list(squares[998:])
        (1000, 998001, [996004, 998001])
    """

    def __init__(self, items: Iterable[Item], open_blocks: int = 2) -> None:
        """Pack items one by one.

        Args:
            items: The items, which must be picklable.
            open_blocks: Number of unpacked blocks to cache, for reading out of order.
        """
        self._blocks: list[bytes] = []
        self._last: list[Item] = []
        self._max_open = open_blocks
        self._open: OrderedDict[int, list[Item]] = OrderedDict()
        for item in items:
            self.append(item)

    def append(self, item: Item) -> None:
        """Append one item; a full block is packed."""
        self._last.append(item)
        if len(self._last) == _BLOCK_ITEMS:
            self._blocks.append(_compress(self._last))
            self._last = []

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._blocks) * _BLOCK_ITEMS + len(self._last)

    def __iter__(self) -> Iterator[Item]:
        """Yield all items in order; one block at a time is unpacked."""
        for block in range(len(self._blocks)):
            yield from self._unpack(block)
        yield from self._last

    def _item(self, index: int) -> Item:
        block, offset = divmod(index, _BLOCK_ITEMS)
        if block == len(self._blocks):
            return self._last[offset]
        if block not in self._open:
            self._open[block] = self._unpack(block)
            if len(self._open) > self._max_open:
                self._open.popitem(last=False)
        self._open.move_to_end(block)
        return self._open[block][offset]

    def _unpack(self, block: int) -> list[Item]:
        return _uncompress(self._blocks[block])


class Picked(_SequenceWithViews[Item]):
    """A view of some items of a sequence, in any order."""

    def __init__(self, items: Sequence[Item], indices: Sequence[int]) -> None:
        """Store the sequence and the indices; no item is copied."""
        self._items = items
        self._indices = indices

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._indices)

    def _item(self, index: int) -> Item:
        return self._items[self._indices[index]]


class PackedGroups(Mapping[str, list[Item]]):
    """Lists of items by key, packed as `Packed` packs them, whatever the order of the items.

    Keys are in the order of their first items. Reading them in order unpacks each block once.

    Example:
        >>> groups = PackedGroups([("b", 1), ("a", 2), ("b", 3)])
        >>> dict(groups)
        {'b': [1, 3], 'a': [2]}
    """

    def __init__(self, items: Iterable[tuple[str, Item]]) -> None:
        """Pack items one by one.

        Args:
            items: Pairs of a key and an item, which must be picklable.
        """
        self._numbers: dict[str, int] = {}
        # A block is of the same 64 keys for good: one piece for each time that items were packed.
        self._blocks: list[list[bytes]] = []
        self._open: tuple[int, dict[int, list[Item]]] = (-1, {})
        waiting: list[tuple[int, Item]] = []
        for key, item in items:
            waiting.append((self._numbers.setdefault(key, len(self._numbers)), item))
            if len(waiting) == _WAITING_ITEMS:
                self._pack(waiting)
                waiting = []
        self._pack(waiting)

    def _pack(self, waiting: list[tuple[int, Item]]) -> None:
        by_block: dict[int, list[tuple[int, Item]]] = {}
        for numbered in sorted(waiting, key=itemgetter(0)):
            by_block.setdefault(numbered[0] // _BLOCK_KEYS, []).append(numbered)
        self._blocks += [[] for _ in range(max(by_block, default=-1) + 1 - len(self._blocks))]
        for block, numbered_items in by_block.items():
            self._blocks[block].append(_compress(numbered_items))

    def __getitem__(self, key: str) -> list[Item]:
        """Return the items of a key, in the order in which they came."""
        number = self._numbers[key]
        block = number // _BLOCK_KEYS
        if self._open[0] != block:
            groups: dict[int, list[Item]] = {}
            for piece in self._blocks[block]:
                for item_number, item in _uncompress(piece):
                    groups.setdefault(item_number, []).append(item)
            self._open = block, groups
        return self._open[1][number]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._numbers)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._numbers)


def _compress(items: Sequence[Any]) -> bytes:
    return zlib.compress(pickle.dumps(items, pickle.HIGHEST_PROTOCOL), 1)


def _uncompress(piece: bytes) -> list[Any]:
    items: list[Any] = pickle.loads(zlib.decompress(piece))  # noqa: S301 (made in this process)
    return items
