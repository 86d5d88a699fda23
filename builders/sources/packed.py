"""Long sequences in little memory: what a build knows of its clips must not fill the machine."""

import pickle
import zlib
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar, overload

Item = TypeVar("Item")

_BLOCK_ITEMS: Final = 128


class _Viewed(Sequence[Item]):
    """A sequence whose slices are views of it."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> "Picked[Item]": ...
    def __getitem__(self, index: int | slice) -> "Item | Picked[Item]":
        """Return one item; of a slice, a view."""
        places = range(len(self))[index]
        return self._item(places) if isinstance(places, int) else Picked(self, places)

    @abstractmethod
    def _item(self, place: int) -> Item:
        """Return the item at a place from 0."""


class Packed(_Viewed[Item]):
    """Items in blocks, pickled and compressed, and made anew whenever they are read.

    A clip with two captions takes some 2,000 bytes as Python's objects and about 100 here; the last
    items, fewer than a block, stay as they are. Reading
    in order costs microseconds an item; in any other order, a block for each step.

    Example:
        >>> squares = Packed(number**2 for number in range(1000))
        >>> len(squares), squares[-1], list(squares[998:])
        (1000, 998001, [996004, 998001])
    """

    def __init__(self, items: Iterable[Item], open_blocks: int = 2) -> None:
        """Take the items one by one; they can be pickled.

        Args:
            items: The items.
            open_blocks: How many blocks stay unpacked for those who read out of order.
        """
        self._blocks: list[bytes] = []
        self._last: list[Item] = []
        self._most_open = open_blocks
        self._open: OrderedDict[int, list[Item]] = OrderedDict()
        for item in items:
            self.append(item)

    def append(self, item: Item) -> None:
        """Take one more item; a block is packed once it is full."""
        self._last.append(item)
        if len(self._last) == _BLOCK_ITEMS:
            self._blocks.append(zlib.compress(pickle.dumps(self._last, pickle.HIGHEST_PROTOCOL), 1))
            self._last = []

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._blocks) * _BLOCK_ITEMS + len(self._last)

    def __iter__(self) -> Iterator[Item]:
        """Yield all items in order; only one block of them is there at a time."""
        for number in range(len(self._blocks)):
            yield from self._unpacked(number)
        yield from self._last

    def _item(self, place: int) -> Item:
        block, within = divmod(place, _BLOCK_ITEMS)
        if block == len(self._blocks):
            return self._last[within]
        if block not in self._open:
            self._open[block] = self._unpacked(block)
            if len(self._open) > self._most_open:
                self._open.popitem(last=False)
        self._open.move_to_end(block)
        return self._open[block][within]

    def _unpacked(self, number: int) -> list[Item]:
        block: list[Item] = pickle.loads(zlib.decompress(self._blocks[number]))  # our own pickle
        return block


class Picked(_Viewed[Item]):
    """A view of some items of a sequence, in an order of its own."""

    def __init__(self, items: Sequence[Item], places: Sequence[int]) -> None:
        """Know the places of the items; copies none."""
        self._items = items
        self._places = places

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._places)

    def _item(self, place: int) -> Item:
        return self._items[self._places[place]]
