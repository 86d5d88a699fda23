"""Numbers and their nouns."""

import pytest

from dvtr_bench.runtime.terminal import by_number, count_of


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "clip", "0 clips"),
        (1, "test clip", "1 test clip"),
        (2, "test clip", "2 test clips"),
        (12_345, "query", "12,345 queries"),
        (3, "day", "3 days"),
        (3, "batch", "3 batches"),
        (4, "epoch", "4 epochs"),
        (2, "class", "2 classes"),
        (2, "index", "2 indexes"),
    ],
)
def test_a_noun_goes_with_its_number(number: int, noun: str, text: str) -> None:
    assert count_of(number, noun) == text


def test_a_plural_of_its_own() -> None:
    assert [count_of(n, "index", "indices") for n in (1, 2)] == ["1 index", "2 indices"]
    assert [by_number(n, "is", "are") for n in (0, 1, 2)] == ["are", "is", "are"]
