"""Judgements of every pair from what a generated dataset knows of its clips (aerosynth).

A clip fits a caption when it is of the caption's category and every fact that the caption mentions
has the same value in it: what `leaderboard.mistakes` calls a clip that fits all that is mentioned.
Captions of one text fit the same clips: what is said of a convoy, "vehicles move on the road", fits
the clips of overtaking that it is said of too.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dvtr_bench.dataset.fingerprint import ids_sha256
from dvtr_bench.dataset.split import (
    FACTS_COLUMN,
    MENTIONS_COLUMN,
    caption_mentions,
    knows_facts,
    video_facts,
)
from dvtr_bench.errors import InputError
from dvtr_bench.ranking import DIRECTIONS
from dvtr_bench.ranking.ceilings import text_ids
from leaderboard.judging.facts import FITS, JudgedSplit
from leaderboard.judging.judgements import Judgements

if TYPE_CHECKING:
    from dvtr_bench.dataset.split import RetrievalSplit

_Said: TypeAlias = tuple[str | None, tuple[tuple[str, str], ...]]
"""A category, and the facts that are mentioned, by name."""


def judge_by_facts(split: "RetrievalSplit") -> Judgements:
    """Judge every pair of a split by the facts of its clips.

    Args:
        split: A split of a dataset with the columns ``facts`` and ``caption_mentions``.

    Returns:
        Complete judgements: every pair that is not listed is known not to fit.

    Raises:
        InputError: The dataset does not know its facts.
    """
    rows = [split.row(index) for index in range(len(split.video_ids))]
    if not rows or not knows_facts(rows[0]):
        raise InputError(
            f"{split.dataset_name} does not know the facts of its clips (no columns "
            f"{FACTS_COLUMN} and {MENTIONS_COLUMN}): only aerosynth does, other datasets are "
            "judged by people (dvtr-bench pool)"
        )
    facts = video_facts(rows)
    owners = split.caption_video_index.tolist()
    own = {
        caption: split.video_ids[video]
        for caption, video in zip(split.caption_ids, owners, strict=True)
    }
    said_in: dict[int, set[_Said]] = {}
    texts = text_ids(split.captions).tolist()
    for text, video, mention in zip(texts, owners, caption_mentions(split, rows), strict=True):
        said = split.categories[video], _mentioned(facts[video], mention["attributes"])
        said_in.setdefault(text, set()).add(said)
    fitting = {said: _fitting(split, facts, said) for said in set().union(*said_in.values())}
    grades: dict[str, dict[str, int]] = {}
    for caption, video, text in zip(split.caption_ids, owners, texts, strict=True):
        videos = sorted(frozenset().union(*(fitting[said] for said in said_in[text])) - {video})
        grades[caption] = {split.video_ids[row]: FITS for row in videos}
    return Judgements.of(
        _judged_split(split), own, split.captions, grades, queries=dict.fromkeys(DIRECTIONS)
    )


def _fitting(
    split: "RetrievalSplit", facts: Sequence[Mapping[str, str]], said: _Said
) -> frozenset[int]:
    category, mentioned = said
    return frozenset(
        row
        for row, known in enumerate(facts)
        if split.categories[row] == category
        and all(known.get(name) == value for name, value in mentioned)
    )


def _mentioned(facts: Mapping[str, str], names: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, facts[name]) for name in sorted(names) if name in facts)


def _judged_split(split: "RetrievalSplit") -> JudgedSplit:
    return JudgedSplit(
        split.dataset_name,
        split.dataset_version,
        split.fingerprint,
        split.name,
        len(split.video_ids),
        len(split.caption_ids),
        ids_sha256(split.video_ids),
        ids_sha256(split.caption_ids),
    )
