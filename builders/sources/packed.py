"""Compressed sequences in memory, for the clips and rows of large builds."""

import pickle
import zlib
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar, overload

Item = TypeVar("Item")

_BLOCK_ITEMS: Final = 128


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
            self._blocks.append(zlib.compress(pickle.dumps(self._last, pickle.HIGHEST_PROTOCOL), 1))
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
        items: list[Item] = pickle.loads(zlib.decompress(self._blocks[block]))  # our own pickle
        return items


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
