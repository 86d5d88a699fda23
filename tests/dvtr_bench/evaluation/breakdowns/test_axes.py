"""Each axis against a plain loop or by hand."""

import numpy as np
import pytest

from dvtr_bench.errors import InputError
from dvtr_bench.evaluation.breakdowns import (
    caption_length,
    category,
    frame_change,
    shared_attributes,
    shared_text,
    told_over_time,
)
from tests.fixtures.grouped_split import GroupedSplit


def _named(groups):
    return [groups.names[code] for code in groups.codes]


def test_categories_stand_in_order_and_their_absence_last() -> None:
    split = GroupedSplit([["x"]] * 4, categories=("roads", None, "Boats", "roads"))
    groups = category.groups(split)
    assert groups.names == ("Boats", "roads", "(no category)")
    assert _named(groups) == ["roads", "(no category)", "Boats", "roads"]


def test_without_categories_there_is_nothing_to_sort_by() -> None:
    assert category.groups(GroupedSplit([["x"], ["y"]])) is None


def test_every_category_present_needs_no_group_for_none() -> None:
    assert category.groups(GroupedSplit([["x"]], categories=("a",))).names == ("a",)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (0, "up to 12 words"),
        (12, "up to 12 words"),
        (13, "13 to 30 words"),
        (30, "13 to 30 words"),
        (31, "over 30 words"),
    ],
)
def test_borders_of_caption_length(words, name) -> None:
    split = GroupedSplit([["  ".join(["word"] * words) + " "]])
    assert _named(caption_length.groups(split)) == [name]


def test_shared_text_equals_a_loop() -> None:
    generator = np.random.default_rng(0)
    texts = [[f"{' ' * (n % 2)}Text {generator.integers(9)}" for n in range(3)] for _ in range(20)]
    texts[3] = []
    texts[5] = ["alone", "ALONE ", "text 1"]
    split = GroupedSplit(texts)
    expected = []
    for video, own in enumerate(texts):
        for text in own:
            others = sum(
                other != video and text.strip().lower() in [t.strip().lower() for t in theirs]
                for other, theirs in enumerate(texts)
            )
            expected.append(
                "no other video" if others == 0
                else "1 other video" if others == 1
                else "2 to 4 other videos" if others <= 4
                else "5 or more other videos"
            )  # fmt: skip
    assert _named(shared_text.groups(split)) == expected
    assert len(set(expected)) >= 3


def test_shared_attributes_equal_a_loop() -> None:
    generator = np.random.default_rng(1)
    names = ["colour", "count", "direction"]
    videos = []
    for _ in range(60):
        facts = {name: str(generator.integers(3)) for name in names}
        mentions = [[], ["colour", "order"], ["count", "colour"], names]
        videos.append((f"story {generator.integers(2)}", facts, mentions))
    split = GroupedSplit.with_facts(videos)
    expected = []
    for video, (kind, facts, mentions) in enumerate(videos):
        for mentioned in mentions:
            others = sum(
                other != video
                and kind == theirs
                and all(facts[name] == known[name] for name in mentioned if name in facts)
                for other, (theirs, known, _) in enumerate(videos)
            )
            bounds = enumerate((0, 1, 4, 10**9))
            expected.append(next(place for place, most in bounds if others <= most))
    assert shared_attributes.groups(split).codes.tolist() == expected
    assert len(set(expected)) == 4


def test_shared_attributes_need_their_columns() -> None:
    assert shared_attributes.groups(GroupedSplit([["x"]])) is None
    split = GroupedSplit.with_facts([("a", {}, [[]])])
    split.texts = [["x", "y"]]
    with pytest.raises(InputError, match="'video 0' has more captions than the 1 of its"):
        shared_attributes.groups(split)


def test_captions_are_sorted_by_what_they_tell_over_time() -> None:
    mentions = [[], ["colour", "count"], ["colour", "camera"], ["direction"], ["first", "order"]]
    split = GroupedSplit.with_facts([("a", {}, mentions), ("b", {}, [["order", "manoeuvre"]])])
    told = _named(told_over_time.groups(split))
    assert told == [
        *["no movement"] * 2,
        *["a movement"] * 2,
        *["an order of events"] * 2,
    ]
    assert told_over_time.groups(GroupedSplit([["x"]])) is None


def test_every_movement_is_a_fact_of_some_story() -> None:
    from builders.aerosynth.stories import names, story

    facts = {"camera"} | {fact for name in names() for fact in story(name).DOMAIN}
    assert facts > told_over_time.MOVEMENTS


def test_change_is_the_mean_over_the_steps_in_percent() -> None:
    split = GroupedSplit(
        [["x"]] * 6,
        levels=[[5], [0, 0], [0, 2, 4], [0, 6], [0, 12, 12], [0, 255, 0]],
    )
    expected = [0.0, 0.0, 200 / 255, 600 / 255, 600 / 255, 100.0]
    found = [frame_change.change_percent(split.frames(n)) for n in range(6)]
    assert found == pytest.approx(expected)
    groups = frame_change.groups(split, show_progress=False)
    assert groups.codes.tolist() == [0, 0, 0, 1, 1, 3]


def test_change_equals_a_loop_over_block_means() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 128, 192, 3), dtype=np.uint8)
    # Grey by the weights of BT.601, then means over the 2 x 3 pixels that make one of 64 x 64.
    grey = np.rint(frames @ np.array([0.299, 0.587, 0.114]))
    small = grey.reshape(3, 64, 2, 64, 3).mean(axis=(2, 4))
    expected = np.abs(np.diff(small, axis=0)).mean() / 255 * 100
    # Both round: grey levels once, their means once more.
    assert frame_change.change_percent(list(frames)) == pytest.approx(expected, abs=0.1)


def test_change_does_not_depend_on_the_size_of_the_picture() -> None:
    small, large = (
        [np.full((size, size * 2, 3), level, np.uint8) for level in (0, 51)] for size in (40, 400)
    )
    assert frame_change.change_percent(small) == frame_change.change_percent(large) == 20.0


def test_without_frames_there_is_no_change() -> None:
    assert frame_change.groups(GroupedSplit([["x"]])) is None
