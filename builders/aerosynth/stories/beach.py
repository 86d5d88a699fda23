"""People walk or run along a beach; a boat may pass off the shore."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say, verb
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.stories import Facts

SCENES = ("shore",)
_COLOURS = ("red", "blue", "green", "yellow", "orange", "black")
DOMAIN = {
    "colour": _COLOURS,
    "count": ("1", "2", "3", "4"),
    "direction": ("left", "right"),
    "gait": ("walk", "run"),
    "boat": ("none", "none", "red", "white", "yellow", "black"),
}
CONTRASTS = ("colour", "count", "direction", "gait", "boat")
DIRECTIONS = ("direction",)
CENTRE: Point = (0.0, -6.0)
ZOOM = 1.12

SPEEDS: dict[str, float] = {"walk": 17.0, "run": 42.0}
"""Speeds of people, in world units per second."""


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible."""
    return facts["boat"] != facts["colour"]


def people(
    facts: Facts, line: tuple[Point, ...], speed: float, scale: float, rng: np.random.Generator
) -> list[Actor]:
    """Return a group of people who go the same way, slightly to the side of each other.

    Args:
        facts: Facts with colour, count and direction.
        line: Their way from left to right.
        speed: World units per second.
        scale: Size factor.
        rng: Random generator.

    Returns:
        One actor for each person.
    """
    count = int(facts["count"])
    way = line if facts["direction"] == "right" else line[::-1]
    gap = 23.0 * scale
    cast = []
    for number, aside in enumerate((-5.0, 8.0, -10.0, 4.0)[:count]):
        corners = tuple((x, y + aside * scale) for x, y in way)
        middle = Track(corners, 8.0, cruise(0.0)).length / 2
        start = middle + gap * ((count - 1) / 2 - number) - 2 * speed + rng.uniform(-2, 2)
        cast.append(
            Actor(
                "person",
                facts["colour"],
                Track(corners, 8.0, cruise(speed, start)),
                facts.get("gait", "walk"),
                facts["direction"],
                scale,
            )
        )
    return cast


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Place the people on the sand and the boat on the sea."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    line: tuple[Point, ...] = ((-320.0, 24.0), (320.0, 24.0))
    cast = people(facts, line, SPEEDS[facts["gait"]], 1.35, rng)
    if facts["boat"] != "none":
        track = Track(
            ((-320.0 * side, -72.0), (320.0 * side, -72.0)), 0.0, cruise(34.0, 320.0 - 68.0)
        )
        cast.append(
            Actor("boat", facts["boat"], track, "pass", "right" if side > 0 else "left", 0.9)
        )
    return tuple(cast)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    count = int(facts["count"])
    naming = (
        "people by the sea" if count > 1 else "a person by the sea",
        "somebody is on the beach",
    )
    vague = words.vaguely(naming, range(count), ("a beach by the sea",))
    if words.pick("gait", "colour") == "gait":
        broad = say(
            f"{noun('person', None, count)} {verb(facts['gait'] + 's', count)} on the beach",
            range(count),
            ["count", "gait"],
        )
    else:
        broad = say(
            f"{noun('person', None, count)} in {facts['colour']} on the beach",
            range(count),
            ["count", "colour"],
        )
    return vague, broad, join(_group(facts, words), "on the beach", _boat(facts, words))


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day."""
    place = words.pick("along the beach", "over the sand by the sea")
    return join(_group(facts, words), place, _boat(facts, words))


def _group(facts: Facts, words: Words) -> Phrase:
    """Describe the people, their clothes and their direction."""
    count = int(facts["count"])
    who = say(
        f"{noun('person', None, count)} in {facts['colour']}", range(count), ["colour", "count"]
    )
    go = verb(facts["gait"] + "s", count)
    if not words.sees_directions:
        return join(who, say(go, about=["gait"]))
    return join(who, say(f"{go} to the {facts['direction']}", about=["gait", "direction"]))


def _boat(facts: Facts, words: Words) -> Phrase:
    """Describe the boat off the shore."""
    if facts["boat"] == "none":
        return say(", the sea is empty", about=["boat"])
    passing = words.pick("passes", "goes by")
    return say(f"and {noun('boat', facts['boat'])} {passing}", [int(facts["count"])], ["boat"])
