"""Packed sequences are those that they were made of, in a fraction of the memory."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from builders.sources.packed import Packed, PackedGroups, Picked

COUNTS = [0, 1, 127, 128, 129, 1000]


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    captions: tuple[str, ...]


def things(count: int) -> Iterator[Thing]:
    for number in range(count):
        yield Thing(f"clip_{number:06d}.mp4", tuple(f"scene {number} from {s}" for s in "ab"))


@pytest.mark.parametrize("count", COUNTS)
def test_a_packed_sequence_reads_as_the_list_it_was(count: int) -> None:
    expected = list(things(count))
    packed = Packed(things(count))
    assert len(packed) == count
    assert list(packed) == expected
    assert [packed[place] for place in reversed(range(count))] == expected[::-1]
    assert bool(packed) == bool(expected)
    if count:
        assert packed[-1] == expected[-1]
        assert expected[count // 2] in packed


@pytest.mark.parametrize("count", COUNTS)
def test_slices_of_it_are_views_that_read_as_slices_of_the_list(count: int) -> None:
    expected = list(things(count))
    packed = Packed(things(count))
    for one in (slice(None), slice(3, 140), slice(-5, None), slice(None, None, 7), slice(9, 2)):
        view = packed[one]
        assert isinstance(view, Picked)
        assert list(view) == expected[one]
        assert len(view) == len(expected[one])
        assert list(view[1:][:3]) == expected[one][1:][:3]


@pytest.mark.parametrize("index", [3, -4])
def test_a_place_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        Packed(things(3))[index]


def test_two_may_read_at_once() -> None:
    packed = Packed(things(300))
    pairs = zip(packed, reversed(packed), strict=True)
    expected = list(things(300))
    assert list(pairs) == list(zip(expected, reversed(expected), strict=True))


def test_it_takes_a_fraction_of_the_memory() -> None:
    tracemalloc.start()
    try:
        held = list(things(5_000))
        as_list = tracemalloc.get_traced_memory()[0]
        del held
        packed = Packed(things(5_000))
        as_packed = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(packed) == 5_000
    assert as_packed < as_list / 5


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 70_000])
def test_packed_groups_are_lists_by_key(count: int) -> None:
    pairs = [(f"clip {number * 7919 % (count // 3 + 1)}", number) for number in range(count)]
    expected: dict[str, list[int]] = {}
    for key, item in pairs:
        expected.setdefault(key, []).append(item)
    packed = PackedGroups(pairs)
    assert dict(packed) == expected
    assert list(packed) == list(expected)
    assert len(packed) == len(expected)
    assert all(packed[key] == expected[key] for key in sorted(expected)[:100])
    with pytest.raises(KeyError):
        packed["none"]
