import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.sources.split_drawing import Draw, Drawing, draw_splits, parse_ratios
from dvtr_bench.dataset.manifest import SPLITS
from dvtr_bench.errors import ConfigError

RATIOS = (70, 10, 20)
DRAWS: tuple[Draw, ...] = ("stable", "balanced")


def alone(count: int, prefix: str = "clip") -> dict[str, str]:
    return {f"{prefix}{number}": f"{prefix}{number}" for number in range(count)}


def drawn(
    group_of: dict[str, str],
    seed: int = 0,
    draw: Draw = "stable",
    ratios: tuple[int, int, int] = RATIOS,
) -> dict[str, str]:
    return draw_splits(group_of, Drawing(seed, ratios, draw))


def test_single_clips_come_out_at_the_ratios() -> None:
    splits = drawn({str(i): str(i) for i in range(1000)}, draw="balanced")
    assert Counter(splits.values()) == {"train": 700, "validation": 100, "test": 200}


def test_stable_sizes_follow_the_ratios_in_expectation() -> None:
    counts = Counter(drawn(alone(20_000)).values())
    # Five standard deviations of a binomial distribution at most.
    assert counts["train"] == pytest.approx(14_000, abs=325)
    assert counts["validation"] == pytest.approx(2_000, abs=215)
    assert counts["test"] == pytest.approx(4_000, abs=285)


def test_a_stable_draw_is_the_hash_of_seed_and_name() -> None:
    splits = drawn(alone(500), seed=7)
    for name, split in splits.items():
        digest = hashlib.sha256(f"7:{name}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        assert split == ("test" if place < 0.2 else "validation" if place < 0.3 else "train")


@pytest.mark.parametrize("draw", DRAWS)
def test_the_seed_decides_and_the_order_does_not(draw: Draw) -> None:
    groups = {str(i): str(i // 3) for i in range(60)}
    turned = dict(reversed(groups.items()))
    assert drawn(groups, 1, draw) == drawn(turned, 1, draw)
    assert drawn(groups, 1, draw) != drawn(groups, 2, draw)


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=80),
    st.integers(0, 9),
    st.sampled_from(DRAWS),
)
def test_groups_stay_together_and_no_split_is_empty(
    groups: list[int], seed: int, draw: Draw
) -> None:
    group_of = {f"clip{i}": f"group{group}" for i, group in enumerate(groups)}
    splits = drawn(group_of, seed, draw)
    assert list(splits) == list(group_of)
    of_group: dict[str, str] = {}
    for clip, split in splits.items():
        assert of_group.setdefault(group_of[clip], split) == split
    if len(of_group) >= len(SPLITS):
        assert set(splits.values()) == set(SPLITS)


@pytest.mark.parametrize("draw", DRAWS)
def test_a_huge_group_does_not_empty_the_others(draw: Draw) -> None:
    group_of = {f"a{i}": "huge" for i in range(90)} | {f"b{i}": f"b{i}" for i in range(10)}
    counts = Counter(drawn(group_of, 0, draw).values())
    assert counts["test"] >= 1
    assert counts["validation"] >= 1


@given(st.integers(0, 10_000), st.integers(150, 400), st.integers(1, 100))
def test_new_clips_never_move_old_ones(seed: int, old: int, new: int) -> None:
    before = drawn(alone(old), seed)
    after = drawn({**alone(new, "new"), **alone(old)}, seed)
    assert {clip: after[clip] for clip in before} == before


@given(st.integers(0, 10_000), st.integers(3, 30), st.integers(1, 30))
def test_a_small_set_moves_one_clip_a_split_at_most(seed: int, old: int, new: int) -> None:
    before = drawn(alone(old), seed)
    after = drawn({**alone(old), **alone(new, "new")}, seed)
    moved = [clip for clip in before if after[clip] != before[clip]]
    assert len(moved) <= len(SPLITS)
    # Each of them had filled a split that was empty, and no other clip was drawn there.
    for clip in moved:
        assert sum(split == before[clip] for split in before.values()) == 1


@given(st.integers(0, 1000))
def test_another_share_of_validation_moves_no_clip_into_or_out_of_test(seed: int) -> None:
    few, many = (drawn(alone(300), seed, ratios=r) for r in ((70, 10, 20), (60, 20, 20)))
    assert [c for c in few if few[c] == "test"] == [c for c in many if many[c] == "test"]


@given(st.integers(0, 1000), st.sampled_from(DRAWS), st.integers(3, 40))
def test_kept_groups_stay_and_a_free_one_fills_an_empty_split(
    seed: int, draw: Draw, count: int
) -> None:
    sizes = dict.fromkeys(alone(count), 1)
    kept = dict.fromkeys(list(sizes)[: count // 2], "train")
    splits = Drawing(seed, RATIOS, draw).split_of_groups(sizes, kept)
    assert all(splits[group] == "train" for group in kept)
    assert set(splits) == set(sizes)
    if count - len(kept) >= len(SPLITS):
        assert set(splits.values()) == set(SPLITS)


def test_a_draw_that_is_none() -> None:
    with pytest.raises(ConfigError, match="--draw random: expected stable or balanced"):
        Drawing(0, RATIOS, "random")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "70/30", "70/10/x", "0/10/20", "70/10/-20", "1/1/1/1"])
def test_ratios_without_meaning(text: str) -> None:
    with pytest.raises(ConfigError, match="--ratios"):
        parse_ratios(text)
