import numpy as np
import pytest

from dvtr_bench.runtime.cpu import compiled, in_threads


@compiled
def add_places(first, last, numbers, more):
    for place in range(first, last):
        numbers[place] += place + more


@pytest.mark.parametrize("threads", [1, 2, 3, 50])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_item_is_done_once_whatever_the_threads(threads, count) -> None:
    numbers = np.zeros(count, np.int64)
    in_threads(add_places, threads, count, numbers, 10)
    assert numbers.tolist() == list(range(10, 10 + count))


def test_what_goes_wrong_in_a_thread_is_told() -> None:
    def fail(first, last):
        raise ValueError(f"{first}..{last}")

    with pytest.raises(ValueError, match="0..2"):
        in_threads(fail, 2, 4)
