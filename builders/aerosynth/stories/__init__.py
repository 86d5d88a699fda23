"""What happens in a clip, one module for each kind of event; the folder is the list of stories."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Protocol, cast

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words
from builders.aerosynth.motion import Point

Facts = Mapping[str, str]
"""Names and values that fix a clip but for its site and its small accidents."""


class Story(Protocol):
    """The members of every module of this package.

    Attributes:
        SCENES: Names of the scenes where it can happen.
        DOMAIN: Facts and the values they may take; a value that stands twice is twice as likely.
        CONTRASTS: Facts in which the clips of one group may differ.
        DIRECTIONS: Facts that a rotating camera hides.
        CENTRE: Where the camera looks.
        ZOOM: Pixels of the frame per world unit.
    """

    SCENES: tuple[str, ...]
    DOMAIN: Mapping[str, tuple[str, ...]]
    CONTRASTS: tuple[str, ...]
    DIRECTIONS: tuple[str, ...]
    CENTRE: Point
    ZOOM: float

    def possible(self, facts: Facts) -> bool:
        """Tell whether these facts are compatible."""

    def actors(self, facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
        """Put the objects on stage."""

    def captions(self, facts: Facts, words: Words) -> tuple[Phrase, ...]:
        """Return a vague, a general and a specific caption, in this order."""

    def exactly(self, facts: Facts, words: Words) -> Phrase:
        """Return all facts except camera and time of day, with the order of events."""


@cache
def names() -> tuple[str, ...]:
    """List the stories.

    Returns:
        Names of the modules of this package, sorted.
    """
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def story(name: str) -> Story:
    """Look up a story.

    Args:
        name: One of ``names()``.

    Returns:
        The module.
    """
    return cast("Story", import_module(f"{__name__}.{name}"))
