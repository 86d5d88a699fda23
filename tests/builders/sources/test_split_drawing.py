from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.sources.splits import draw_splits, parse_ratios
from dvtr_bench.dataset.manifest import SPLITS
from dvtr_bench.errors import ConfigError

RATIOS = (70, 10, 20)


def test_single_clips_come_out_at_the_ratios() -> None:
    splits = draw_splits({str(i): str(i) for i in range(1000)}, 0, RATIOS)
    assert Counter(splits.values()) == {"train": 700, "validation": 100, "test": 200}


def test_the_seed_decides_and_the_order_does_not() -> None:
    groups = {str(i): str(i // 3) for i in range(60)}
    turned = dict(reversed(groups.items()))
    assert draw_splits(groups, 1, RATIOS) == draw_splits(turned, 1, RATIOS)
    assert draw_splits(groups, 1, RATIOS) != draw_splits(groups, 2, RATIOS)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.integers(0, 9))
def test_groups_stay_together_and_no_split_is_empty(groups: list[int], seed: int) -> None:
    group_of = {f"clip{i}": f"group{group}" for i, group in enumerate(groups)}
    splits = draw_splits(group_of, seed, RATIOS)
    assert list(splits) == list(group_of)
    of_group = {}
    for clip, split in splits.items():
        assert of_group.setdefault(group_of[clip], split) == split
    if len(of_group) >= len(SPLITS):
        assert set(splits.values()) == set(SPLITS)


def test_a_huge_group_does_not_empty_the_others() -> None:
    group_of = {f"a{i}": "huge" for i in range(90)} | {f"b{i}": f"b{i}" for i in range(10)}
    counts = Counter(draw_splits(group_of, 0, RATIOS).values())
    assert counts["test"] >= 1
    assert counts["validation"] >= 1


@pytest.mark.parametrize("text", ["", "70/30", "70/10/x", "0/10/20", "70/10/-20", "1/1/1/1"])
def test_ratios_without_meaning(text: str) -> None:
    with pytest.raises(ConfigError, match="--ratios"):
        parse_ratios(text)
