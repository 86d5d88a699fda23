"""The list of clips of a dataset: contrast groups, splits, captions; nothing is rendered here.

Sites are shared by all splits on purpose: few backgrounds for many clips is what makes the field
hard. What is kept apart: a contrast group lies in one split as a whole, and no two clips of the
dataset have the same story, site and facts.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.camera import MOTIONS, CameraPlan
from builders.aerosynth.grammar import Phrase, Words, join
from builders.aerosynth.light import LIGHTS
from builders.aerosynth.seeds import stable_rng
from builders.aerosynth.stories import Story, names, story
from dvtr_bench.errors import InputError

SIZES: dict[str, dict[str, int]] = {
    "tiny": {"train": 48, "validation": 12, "test": 24},
    "small": {"train": 640, "validation": 80, "test": 160},
    "full": {"train": 4800, "validation": 400, "test": 800},
    "large": {"train": 24_000, "validation": 400, "test": 800},
}
"""Clips in each split of each size; validation and test of large are those of full.

All of tiny are clips of small: a size for a first look, for notebooks and for tests.
"""

SITES_PER_SCENE: dict[str, int] = {"small": 1, "full": 4, "large": 4}
"""How many backgrounds each scene has in each size."""

GROUP_SIZES = (2, 3, 4)
"""How many clips a contrast group may have."""


@dataclass(frozen=True)
class Mention:
    """What one caption mentions.

    Attributes:
        specificity: Level from 0 (vague) to 4 (exact), an index into ``grammar.SPECIFICITY``.
        objects: Indices of the objects that are mentioned.
        attributes: Names of the facts that are mentioned; "order" where the order of events is.
    """

    specificity: int
    objects: tuple[int, ...]
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class ClipPlan:
    """Everything about one clip before it is rendered.

    Attributes:
        clip_id: Unique name, safe as the stem of a file name.
        split: train, validation or test.
        category: Name of the story.
        scene: Kind of background.
        variant: Number of the background among those of its kind.
        facts: Names and values of all facts, in the order of the story's domain.
        contrast_group: Name of the group of clips that differ in one fact.
        contrast_attribute: The fact in which they differ.
        actors: The objects and how they move.
        camera: The flight of the camera.
        captions: Five captions, vague to exact.
        mentions: What each caption mentions.
    """

    clip_id: str
    split: str
    category: str
    scene: str
    variant: int
    facts: tuple[tuple[str, str], ...]
    contrast_group: str
    contrast_attribute: str
    actors: tuple[Actor, ...]
    camera: CameraPlan
    captions: tuple[str, ...]
    mentions: tuple[Mention, ...]

    @property
    def group(self) -> str:
        """Name of the site: clips of one group share their background."""
        return f"{self.scene}-{self.variant}"

    @property
    def time_of_day(self) -> str:
        """A key of ``light.LIGHTS``."""
        return dict(self.facts)["time"]


def plan_clips(size: str, seed: int = 0) -> list[ClipPlan]:
    """Draw up the list of clips of a dataset.

    Args:
        size: A key of ``SIZES``.
        seed: Another seed gives another dataset of the same kind.

    Returns:
        Plans, split by split; equal arguments give equal plans.

    Raises:
        InputError: There is no such size.

    Example:
        >>> len(plan_clips("small"))
        880
    """
    return list(each_plan(size, seed))


def each_plan(size: str, seed: int = 0) -> Iterator[ClipPlan]:
    """Draw up the clips of a dataset one by one, in the order of ``plan_clips``.

    Args:
        size: A key of ``SIZES``.
        seed: Another seed gives another dataset of the same kind.

    Yields:
        Plans, split by split.

    Raises:
        InputError: There is no such size.
    """
    if size not in SIZES:
        raise InputError(
            f"aerosynth has no size {size!r}: expected one of {', '.join(SIZES)}. "
            "Choose one of them."
        )
    if size == "tiny":
        drawn = _whole_groups(_draw_dataset("small", seed, SIZES["small"], set()), SIZES["tiny"])
    elif size != "large":
        drawn = _draw_dataset(size, seed, SIZES[size], set())
    else:
        # A figure on the test split of large is one on that of full: they are the same clips.
        full = _draw_dataset("full", seed, SIZES["full"], set())
        held_out = [plan for plan in full if plan.split != "train"]
        taken = {plan.signature for plan in held_out}
        train = {"train": SIZES["large"]["train"]}
        drawn = chain(_draw_dataset("large", seed, train, taken), held_out)
    return (_clip(member) for member in drawn)


def signature(plan: ClipPlan) -> tuple[str, ...]:
    """Return what identifies a clip: its story, its background and its facts.

    Args:
        plan: The clip.

    Returns:
        The name of the story, the number of the background and the values of all facts. No two
        clips of one dataset share it.
    """
    return (plan.category, str(plan.variant), *dict(plan.facts).values())


@cache
def released_signatures() -> frozenset[tuple[str, ...]]:
    """Return the signatures of all clips of the sizes small and full, seed 0.

    With them those of the validation and test clips of large, but not of its training clips.
    """
    return frozenset(
        one.signature
        for size in ("small", "full")
        for one in _draw_dataset(size, 0, SIZES[size], set())
    )


def stream_group(number: int, seed: int = 0) -> list[ClipPlan]:
    """Plan one contrast group of an endless stream of clips for training.

    Backgrounds are those of the size full. No clip of the sizes small and full at seed 0 is ever
    among them; clips of different groups may be alike.

    Args:
        number: Number of the group, from 0; the stories take turns.
        seed: Another seed gives another stream.

    Returns:
        Two to four clips; equal arguments give equal plans.

    Example:
        >>> stream_group(0)[1].clip_id
        'beach_stream-0000000-1'
    """
    name = names()[number % len(names())]
    group = f"stream-{number:07d}"
    rng = stable_rng("aerosynth", "stream", seed, group)
    members = _contrast_group(name, "full", max(GROUP_SIZES), released_signatures(), rng)
    return [
        _clip(_Drawn(f"{name}_{group}-{row}", "train", group, ("stream", seed), member))
        for row, member in enumerate(members)
    ]


@dataclass(frozen=True)
class _Member:
    """A drawn clip of a contrast group, from which everything else about it follows."""

    story: str
    scene: str
    variant: int
    facts: dict[str, str]
    contrast_attribute: str

    @property
    def signature(self) -> tuple[str, ...]:
        return (self.story, str(self.variant), *self.facts.values())


@dataclass(frozen=True)
class _Drawn:
    """A member with its place in a dataset; the edition seeds what no fact fixes."""

    clip_id: str
    split: str
    group: str
    edition: tuple[str, int]
    member: _Member

    @property
    def signature(self) -> tuple[str, ...]:
        return self.member.signature


def _draw_dataset(
    size: str, seed: int, splits: Mapping[str, int], seen: set[tuple[str, ...]]
) -> Iterator[_Drawn]:
    """Draw the clips of splits, without clips seen before and without repetition."""
    # Ids of large have a digit more, so that they are not those of other clips of full.
    digits = 5 if size == "large" else 4
    drawn = 0
    for split, total in splits.items():
        left, number = total, 0
        while left > 0:
            group = f"{split}-{number:0{digits}d}"
            name = names()[number % len(names())]
            rng = stable_rng("aerosynth", size, seed, group)
            members = _contrast_group(name, size, left, seen, rng)
            seen.update(member.signature for member in members)
            for member in members:
                yield _Drawn(f"{name}_{drawn:0{digits}d}", split, group, (size, seed), member)
                drawn += 1
            left -= len(members)
            number += 1


def _whole_groups(drawn: Iterable[_Drawn], most: Mapping[str, int]) -> Iterator[_Drawn]:
    """Keep the first contrast groups of each split that fill it, whole."""
    left = dict(most)
    for _, members in groupby(drawn, key=lambda member: member.group):
        group = list(members)
        rest = left[group[0].split] - len(group)
        # One clip left would have no group to come in.
        if rest >= 0 and rest != 1:
            left[group[0].split] = rest
            yield from group


def _contrast_group(
    name: str, size: str, left: int, seen: Container[tuple[str, ...]], rng: np.random.Generator
) -> list[_Member]:
    """Draw facts for a group of clips that differ in one of them and are new to the dataset."""
    tale = story(name)
    while True:
        scene = tale.SCENES[int(rng.integers(len(tale.SCENES)))]
        variant = int(rng.integers(SITES_PER_SCENE[size]))
        attribute = tale.CONTRASTS[int(rng.integers(len(tale.CONTRASTS)))]
        wanted = min(left, GROUP_SIZES[int(rng.integers(len(GROUP_SIZES)))])
        base = {"scene": scene} | _draw(tale, attribute, rng)
        values = list(dict.fromkeys(tale.DOMAIN[attribute]))
        order = [values[index] for index in rng.permutation(len(values))]
        members: list[_Member] = []
        for value in order:
            member = _Member(name, scene, variant, base | {attribute: value}, attribute)
            is_new = member.signature not in seen
            if len(members) < wanted and tale.possible(member.facts) and is_new:
                members.append(member)
        # A single clip, now or as the last one left, would have no other to differ from.
        if len(members) >= 2 and left - len(members) != 1:
            return members


def _draw(tale: Story, attribute: str, rng: np.random.Generator) -> dict[str, str]:
    """Draw all facts of a clip; a rotating camera never hides what a group differs in."""
    facts = {key: values[int(rng.integers(len(values)))] for key, values in tale.DOMAIN.items()}
    steady = [motion for motion in MOTIONS if motion != "rotates"]
    motions = steady if attribute in tale.DIRECTIONS else MOTIONS
    facts["camera"] = motions[int(rng.integers(len(motions)))]
    facts["time"] = tuple(LIGHTS)[int(rng.integers(len(LIGHTS)))]
    return facts


def _clip(drawn: _Drawn) -> ClipPlan:
    """Make one clip from its facts; what facts do not determine is the same for the whole group."""
    member = drawn.member
    tale, facts = story(member.story), member.facts
    rng = stable_rng("accidents", *drawn.edition, drawn.group)
    camera = CameraPlan(
        motion=facts["camera"],
        centre=(tale.CENTRE[0] + rng.uniform(-6, 6), tale.CENTRE[1] + rng.uniform(-5, 5)),
        zoom=tale.ZOOM * rng.uniform(0.97, 1.03),
        tilt=float(np.radians(rng.uniform(12, 22))),
        sway=rng.uniform(0, 2 * np.pi),
        clockwise=int(rng.choice((-1, 1))),
    )
    actors = tale.actors(facts, rng)
    phrases = _five(tale, facts, stable_rng("captions", *drawn.edition, drawn.clip_id))
    mentions = tuple(
        Mention(level, tuple(sorted(phrase.objects)), tuple(sorted(phrase.attributes)))
        for level, phrase in enumerate(phrases)
    )
    return ClipPlan(
        clip_id=drawn.clip_id,
        split=drawn.split,
        category=member.story,
        scene=member.scene,
        variant=member.variant,
        facts=tuple(facts.items()),
        contrast_group=drawn.group,
        contrast_attribute=member.contrast_attribute,
        actors=actors,
        camera=camera,
        captions=tuple(phrase.text for phrase in phrases),
        mentions=mentions,
    )


def _five(tale: Story, facts: dict[str, str], rng: np.random.Generator) -> tuple[Phrase, ...]:
    """Five captions from vague to exact."""
    words = Words(facts, rng)
    vague, general, specific = tale.captions(facts, words)
    detailed = join(tale.captions(facts, words)[2], words.camera())
    time = words.time(LIGHTS[facts["time"]].words)
    exact = join(time, tale.exactly(facts, words), words.camera())
    return vague, general, specific, detailed, exact
