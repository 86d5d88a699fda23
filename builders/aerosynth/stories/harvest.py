"""A combine harvester cuts a strip of grain; a helper may drive beside it."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say
from builders.aerosynth.motion import Point, Track, cruise, halt
from builders.aerosynth.scenes.field import LANE_WIDTH
from builders.aerosynth.stories import Facts

SCENES = ("field",)
_COLOURS = ("red", "blue", "green", "yellow", "white")
DOMAIN = {
    "colour": _COLOURS,
    "direction": ("left", "right"),
    "ending": ("on", "turn", "stop"),
    "helper": ("none", "none", "tractor", "truck"),
    "helper_colour": ("red", "blue", "orange", "black"),
}
CONTRASTS = ("colour", "direction", "ending", "helper", "helper_colour")
DIRECTIONS = ("direction",)
CENTRE: Point = (0.0, 8.0)
ZOOM = 0.92

_ENDING = {
    "on": ("",),
    "turn": ("then turns around", "then turns back"),
    "stop": ("then stops", "then halts"),
}


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: a helper's colour needs a helper, in another colour."""
    if facts["helper"] == "none":
        return facts["helper_colour"] == "red"
    return facts["helper_colour"] != facts["colour"] and facts["ending"] != "turn"


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Let the harvester cut along its lane."""
    sign = 1.0 if facts["direction"] == "right" else -1.0
    speed = float(rng.uniform(29, 33))
    start: Point = (-sign * 320.0, 0.0)
    if facts["ending"] == "turn":
        turn_x = sign * 52.0
        corners: tuple[Point, ...] = (
            start,
            (turn_x, 0.0),
            (turn_x, -LANE_WIDTH),
            (-sign * 320.0, -LANE_WIDTH),
        )
        track = Track(corners, 21.0, cruise(62.0, 320.0 - 54.0))
        direction = None
    else:
        far: Point = (sign * 320.0, 0.0)
        keys = cruise(speed, 320.0 - 2 * speed)
        if facts["ending"] == "stop":
            keys = halt(42.0, 320.0 - 74.0, 320.0 + 22.0)
        track = Track((start, far), 0.0, keys)
        direction = facts["direction"]
    cast = [Actor("harvester", facts["colour"], track, f"harvest, {facts['ending']}", direction)]
    if facts["helper"] != "none":
        beside = Track(
            ((start[0], 42.0), (-start[0], 42.0)),
            0.0,
            tuple((at, far_ - 6.0) for at, far_ in track.keys),
        )
        cast.append(
            Actor(facts["helper"], facts["helper_colour"], beside, "drive beside", direction)
        )
    return tuple(cast)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = words.vaguely(
        ("a machine works in a field", "grain is harvested"),
        [0],
        ("farm work in a field of grain",),
    )
    who = words.pick("harvester", "combine harvester")
    if words.pick("colour", "helper") == "colour":
        broad = say(f"{noun(who, facts['colour'])} in a field", [0], ["colour"])
    elif facts["helper"] == "none":
        broad = say(f"{noun(who)} works alone in a field", [0], ["helper"])
    else:
        broad = say(f"{noun(who)} and {noun(facts['helper'])} in a field", [0, 1], ["helper"])
    return vague, broad, _harvester(facts, words, ("cuts grain", "harvests grain"))


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    return _harvester(facts, words, ("cuts grain in the field", "harvests the ripe field"))


def _harvester(facts: Facts, words: Words, cuts: tuple[str, ...]) -> Phrase:
    """The harvester, its direction, its ending and its helper."""
    who = words.pick("harvester", "combine harvester")
    harvester = say(f"{noun(who, facts['colour'])} {words.pick(*cuts)}", [0], ["colour"])
    where: Phrase | str = ""
    if words.sees_directions:
        where = say(
            words.pick("moving to the", "driving to the") + f" {facts['direction']}",
            about=["direction"],
        )
    helper = say("alone", about=["helper"])
    if facts["helper"] != "none":
        helper = say(
            f"next to {noun(facts['helper'], facts['helper_colour'])}",
            [1],
            ["helper", "helper_colour"],
        )
    if facts["ending"] == "on":
        return join(harvester, where, helper, say("", about=["ending"]))
    ending = say(words.pick(*_ENDING[facts["ending"]]), about=["ending", "order"])
    return join(harvester, where, helper, "and", ending)
