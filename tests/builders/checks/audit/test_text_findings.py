"""Findings about captions, against loops that follow the words of their definitions."""

import random

import pytest

from builders.checks.audit.findings import (
    caption_length,
    class_balance,
    identical_captions,
    odd_captions,
    vocabulary,
)
from builders.checks.audit.subject import NotMeasured
from tests.builders.checks.audit.made_up import MadeUpSplit, subject, texts_subject


def drawn(seed: int) -> dict[str, list[list[str]]]:
    """Captions of few words each, so that many are the same, in two spellings."""
    rng = random.Random(seed)
    words = ["boat", "car", "Lake ", "road"]

    def caption() -> str:
        return " ".join(rng.choice(words) for _ in range(rng.randint(1, 2)))

    return {
        split: [[caption() for _ in range(rng.randint(1, 4))] for _ in range(count)]
        for split, count in (("train", 9), ("validation", 3), ("test", 7))
    }


def same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


@pytest.mark.parametrize("seed", range(8))
def test_within_a_split(seed) -> None:
    texts = drawn(seed)
    record = identical_captions.find(texts_subject(**texts), None, False)
    for found, videos in zip(record.within, texts.values(), strict=True):
        shared, recalls = 0, {1: 0.0, 5: 0.0, 10: 0.0}
        captions = [(row, caption) for row, video in enumerate(videos) for caption in video]
        for _, caption in captions:
            holders = [video for video in videos if any(same(caption, text) for text in video)]
            shared += len(holders) > 1
            for depth in recalls:
                recalls[depth] += min(1.0, depth / len(holders))
        repeats = sum(
            any(same(video[a], video[b]) for a in range(len(video)) for b in range(a))
            for video in videos
        )
        assert found.num_captions == len(captions)
        assert found.shared_captions == shared
        assert found.shared_percent == pytest.approx(100 * shared / len(captions), abs=1e-6)
        assert found.videos_repeating_a_caption == repeats
        for depth, total in recalls.items():
            expected = 100 * total / len(captions)
            assert found.t2v_ceilings[f"R@{depth}"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_across_splits_and_datasets(seed) -> None:
    mine, theirs = drawn(seed), drawn(seed + 100)
    record = identical_captions.find(
        texts_subject("mine", **mine), texts_subject("theirs", **theirs), False
    )
    flat = {
        f"{name} {split}": [caption for video in videos for caption in video]
        for name, texts in (("mine", mine), ("theirs", theirs))
        for split, videos in texts.items()
    }
    pairs = {(found.of_split, found.in_split) for found in record.across}
    assert len(pairs) == len(record.across) == 3 * 2 + 2 * 3 * 3
    assert not any(of.startswith("theirs") and in_.startswith("theirs") for of, in_ in pairs)
    for found in record.across:
        captions, others = flat[found.of_split], flat[found.in_split]
        assert found.num_captions == len(captions)
        assert found.verbatim == sum(caption in others for caption in captions)
        alike = sum(any(same(caption, other) for other in others) for caption in captions)
        assert found.same_text == alike
        assert found.same_text_percent == pytest.approx(100 * alike / len(captions), abs=1e-6)


def test_leaks_into_test_come_first() -> None:
    record = identical_captions.find(texts_subject(**drawn(0)), None, False)
    assert (record.across[0].of_split, record.across[0].in_split) == ("test", "train")


def test_most_repeated_texts() -> None:
    record = identical_captions.find(
        texts_subject(train=[["A boat", "a boat "], ["a boat"]], test=[["a boat", "b"]]),
        None,
        False,
    )
    (found,) = record.most_repeated
    assert (found.text, found.num_videos, found.num_captions) == ("a boat", 3, 4)
    assert found.splits == {"train": 2, "test": 1}
    assert record.num_repeated_texts == 1


def test_caption_length() -> None:
    long = " ".join(["word"] * 31)
    record = caption_length.find(
        texts_subject(test=[["one", " two  words ", ""], [long]]), None, False
    )
    (found,) = record.splits
    assert (found.longest_words, found.over_30_words, found.over_30_percent) == (31, 1, 25.0)
    assert (found.mean_words, found.median_words) == (8.5, 1.5)
    assert found.captions_by_words == (1, 1, 1, *[0] * 28, 1)


def test_vocabulary() -> None:
    record = vocabulary.find(
        texts_subject(
            train=[["A red boat, a boat"]], test=[["a blue boat's wake", "The boat"], ["a boat"]]
        ),
        None,
        False,
    )
    train, test = record.splits
    assert (train.num_tokens, train.num_words, train.once, train.unseen_words) == (5, 3, 1, None)
    # Of a, blue, boat's, wake, the and boat, train has a and boat.
    assert (test.num_tokens, test.num_words, test.unseen_words) == (8, 6, 4)
    assert test.type_token_ratio == 0.75
    assert test.unseen_words_percent == pytest.approx(100 * 4 / 6, abs=1e-6)
    assert test.captions_with_unseen_percent == pytest.approx(100 * 2 / 3, abs=1e-6)
    assert (record.top_words[0].word, record.top_words[0].count) == ("a", 4)
    assert record.num_words == 7


def test_vocabulary_without_train() -> None:
    (found,) = vocabulary.find(texts_subject(test=[["a boat"]]), None, False).splits
    assert found.unseen_words is None
    assert found.captions_with_unseen_percent is None


def test_odd_captions() -> None:
    record = odd_captions.find(
        texts_subject(
            train=[["fine.", "", " \t"]], test=[["a  b", " end\u3002", "caf\u00e9 \x1b[2J"]]
        ),
        None,
        False,
    )
    found = {one.what: (one.num_captions, one.captions) for one in record.oddities}
    assert found["no words"] == (2, ("train: caption 1", "train: caption 2"))
    assert found["two spaces in a row"][0] == 1
    assert found["spaces at an end"][0] == 1
    assert found["ends in U+3002 IDEOGRAPHIC FULL STOP"][0] == 1
    assert found["holds U+3002 IDEOGRAPHIC FULL STOP"][0] == 1
    assert found["holds U+00E9 LATIN SMALL LETTER E WITH ACUTE"][0] == 1
    assert found["holds U+001B a control character"][0] == 1
    assert len(found) == 7


def test_class_balance() -> None:
    dataset = subject(
        {
            "train": MadeUpSplit([["x"]] * 4, ("a", "a", "b", None)),
            "test": MadeUpSplit([["x"]] * 2, ("a", "c")),
        }
    )
    record = class_balance.find(dataset, None, False)
    assert [(one.category, one.num_videos) for one in record.classes] == [
        ("a", 3),
        ("b", 1),
        ("c", 1),
    ]
    assert record.classes[0].splits == {"train": 2, "test": 1}
    assert record.without_class == {"train": 1, "test": 0}
    assert record.not_in_every_split == ("b", "c")
    # 5 ** 5 / 3 ** 3 under the fifth root: the perplexity of 3, 1 and 1 of 5.
    assert record.effective_classes == pytest.approx((5**5 / 3**3) ** 0.2, abs=1e-6)


def test_no_classes() -> None:
    found = class_balance.find(texts_subject(test=[["x"]]), None, False)
    assert found == NotMeasured("not measured: no video of this dataset has a class")


def test_counting_by_hand_can_fail() -> None:
    """The loops above do tell: one caption changed moves every count."""
    texts = drawn(3)
    before = identical_captions.find(texts_subject(**texts), None, False).within[-1]
    texts["test"][0][0] = "nobody else says this"
    after = identical_captions.find(texts_subject(**texts), None, False).within[-1]
    assert before != after
