"""Phrases with a record of what they mention, from which captions are joined."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SPECIFICITY: tuple[str, ...] = ("vague", "general", "specific", "detailed", "exact")
"""The level of each of the five captions of a clip, in their order."""

COUNT_WORDS: tuple[str, ...] = ("no", "one", "two", "three", "four")

PLURALS: dict[str, str] = {"bus": "buses", "person": "people"}


@dataclass(frozen=True)
class Phrase:
    """A text, and the facts of the clip that it mentions.

    Attributes:
        text: The words.
        objects: Indices of the objects that are mentioned.
        attributes: Names of the facts that are mentioned.
    """

    text: str
    objects: frozenset[int] = frozenset()
    attributes: frozenset[str] = frozenset()


def say(text: str, objects: Iterable[int] = (), about: Iterable[str] = ()) -> Phrase:
    """Make a phrase.

    Args:
        text: The words.
        objects: Indices of the objects that are mentioned.
        about: Names of the facts that are mentioned.

    Returns:
        The phrase.
    """
    return Phrase(text, frozenset(objects), frozenset(about))


def join(*parts: Phrase | str) -> Phrase:
    """Join phrases and plain words with spaces; empty ones vanish, commas close up.

    Args:
        *parts: In the order in which they are said.

    Returns:
        One phrase that mentions everything that its parts mention.

    Example:
        >>> join(say("a car", [0]), ", then", "it stops").text
        'a car, then it stops'
    """
    texts: list[str] = []
    objects: set[int] = set()
    attributes: set[str] = set()
    for part in parts:
        text = part if isinstance(part, str) else part.text
        if text:
            texts.append(text)
        if isinstance(part, Phrase):
            objects |= part.objects
            attributes |= part.attributes
    text = " ".join(texts).replace(" ,", ",")
    return Phrase(text, frozenset(objects), frozenset(attributes))


class Words:
    """Chooses wordings for one clip, as its camera and light allow."""

    def __init__(self, facts: Mapping[str, str], rng: np.random.Generator) -> None:
        """Remember the facts of the clip.

        Args:
            facts: Names and values.
            rng: Source of the choices.
        """
        self.facts = facts
        self._rng = rng

    @property
    def sees_directions(self) -> bool:
        """Whether left and right of the picture stay where they are: not while it rotates."""
        return self.facts["camera"] != "rotates"

    def pick(self, *wordings: str) -> str:
        """Choose one of several wordings.

        Args:
            *wordings: At least one.

        Returns:
            One of them.
        """
        return wordings[int(self._rng.integers(len(wordings)))]

    def vaguely(
        self, naming: Sequence[str], objects: Iterable[int], scenery: Sequence[str] = ()
    ) -> Phrase:
        """Choose a vague wording and record whether it names the objects at all.

        Args:
            naming: Wordings that name the objects, if only as "a vehicle" or "traffic".
            objects: Indices of these objects.
            scenery: Wordings that speak of the place alone.

        Returns:
            The phrase.
        """
        text = self.pick(*naming, *scenery)
        return say(text, objects if text in naming else ())

    def camera(self) -> Phrase:
        """Say what the camera does."""
        words = self.pick("while the drone", "as the drone")
        return say(f"{words} {self.facts['camera']}", about=["camera"])

    def time(self, wordings: Iterable[str]) -> Phrase:
        """Say the time of day.

        Args:
            wordings: Several ways to say it.

        Returns:
            The phrase.
        """
        return say(self.pick(*wordings), about=["time"])


def noun(kind: str, colour: str | None = None, count: int = 1, article: str = "a") -> str:
    """A noun with its article or number.

    Args:
        kind: Singular noun.
        colour: Put before it; None: left out.
        count: How many there are.
        article: "a" or "the"; used for one.

    Returns:
        The words.

    Example:
        >>> noun("bus", "orange"), noun("person", "red", 2)
        ('an orange bus', 'two red people')
    """
    words = kind if count == 1 else PLURALS.get(kind, f"{kind}s")
    if colour is not None:
        words = f"{colour} {words}"
    if count > 1:
        return f"{COUNT_WORDS[count]} {words}"
    if article == "a" and words[0] in "aeio":
        article = "an"
    return f"{article} {words}"


def verb(singular: str, count: int) -> str:
    """A verb that agrees with its subject.

    Args:
        singular: Third person singular; its first word is the verb.
        count: How many do it.

    Returns:
        The words.

    Example:
        >>> verb("drives on", 2), verb("passes", 2), verb("goes", 2), verb("turns", 1)
        ('drive on', 'pass', 'go', 'turns')
    """
    if count == 1:
        return singular
    head, _, rest = singular.partition(" ")
    stem = head[:-2] if head.endswith(("sses", "shes", "ches", "oes")) else head[:-1]
    return f"{stem} {rest}" if rest else stem
