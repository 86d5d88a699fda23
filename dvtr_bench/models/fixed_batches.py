"""Batches whose shape depends on no other item, so that neither does what is computed of an item.

A matrix product of another size may run another kernel, whose sums round differently: in bfloat16
already in the third digit. Items of one kind, such as one shape, are therefore computed so many at
a time, always; what is missing in a last batch is filled up with copies.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import torch

_Item = TypeVar("_Item")


def in_fixed_batches(
    items: Iterable[_Item],
    size: int,
    compute: Callable[[Sequence[_Item]], torch.Tensor],
    kind: Callable[[_Item], Hashable],
) -> torch.Tensor:
    """Compute a tensor for each item, in batches that always hold ``size`` items of one kind.

    Args:
        items: The items; they are taken one by one.
        size: Items of a batch.
        compute: Takes the items of a batch; returns one row an item.
        kind: Returns what the items of a batch have in common, such as their shape.

    Returns:
        The rows, in the order of the items, on the device that ``compute`` returns them on.

    Raises:
        ValueError: There are no items.

    Example:
        >>> def compute(words):
        ...     print(words)
        ...     return torch.tensor([[len(word)] for word in words])
        >>> in_fixed_batches(["a", "an", "b", "c"], 2, compute, len).tolist()
        ['a', 'b']
        ['an', 'an']
        ['c', 'c']
        [[1], [2], [1], [1]]
    """
    waiting: dict[Hashable, list[tuple[int, _Item]]] = {}
    rows: dict[int, torch.Tensor] = {}

    def take(batch: list[tuple[int, _Item]]) -> None:
        filled = [item for _, item in batch] + [batch[-1][1]] * (size - len(batch))
        computed = compute(filled)
        rows.update((row, computed[place]) for place, (row, _) in enumerate(batch))

    for row, item in enumerate(items):
        batch = waiting.setdefault(kind(item), [])
        batch.append((row, item))
        if len(batch) == size:
            take(waiting.pop(kind(item)))
    for batch in waiting.values():
        take(batch)
    if not rows:
        raise ValueError("there are no items")
    return torch.stack([rows[row] for row in range(len(rows))])


def shape_of(tensors: Mapping[str, torch.Tensor]) -> Hashable:
    """Return names and shapes of an item's tensors, as a kind of `in_fixed_batches`."""
    return tuple((name, tuple(value.shape)) for name, value in sorted(tensors.items()))


def joined(items: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the named tensors of items of one shape, joined along their first axis."""
    return {name: torch.cat([item[name] for item in items]) for name in items[0]}
