"""Motor boats on a river: they go along it, turn around, or meet another one."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say, verb
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.scenes.river import stream_line
from builders.aerosynth.stories import Facts

SCENES = ("river",)
_COLOURS = ("red", "blue", "green", "yellow", "orange", "white", "black")
DOMAIN = {
    "colour": _COLOURS,
    "count": ("1", "1", "2", "3"),
    "direction": ("left", "right"),
    "manoeuvre": ("along", "turn", "turn"),
    "oncoming": ("none", "none", "none", "none", "none", *_COLOURS),
}
CONTRASTS = ("colour", "count", "direction", "manoeuvre", "oncoming")
DIRECTIONS = ("direction",)
CENTRE: Point = (0.0, 0.0)
ZOOM = 0.88


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: only a single boat turns around."""
    if facts["manoeuvre"] == "turn":
        return facts["count"] == "1" and facts["oncoming"] == "none"
    return facts["oncoming"] != facts["colour"]


def _lane(direction: str, offset: float) -> tuple[Point, ...]:
    """A way along the river."""
    line = stream_line(offset)
    return line if direction == "right" else line[::-1]


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Put the boats onto the river."""
    direction, colour = facts["direction"], facts["colour"]
    if facts["manoeuvre"] == "turn":
        sign = 1.0 if direction == "right" else -1.0
        out, back = 24.0 * sign, -24.0 * sign
        corners = (
            (-330.0 * sign, out),
            (64.0 * sign, out),
            (64.0 * sign, back),
            (-330.0 * sign, back),
        )
        return (
            Actor("boat", colour, Track(corners, 24.0, cruise(68.0, 254.0)), "turn around", None),
        )
    count = int(facts["count"])
    speed = float(rng.uniform(29, 35))
    sides = (0.0,) if count == 1 else (14.0, -12.0, 20.0)[:count]
    side = 22.0 if direction == "right" else -22.0
    shift = side if facts["oncoming"] != "none" else 0.0
    cast = []
    for place in range(count):
        own = sides[place] * (0.8 if shift else 1.6) + shift
        path = Track(_lane(direction, own), 8.0, cruise(0.0))
        start = path.length / 2 + 56.0 * ((count - 1) / 2 - place) - 2 * speed
        cast.append(
            Actor(
                "boat",
                colour,
                Track(path.corners, 8.0, cruise(speed, start)),
                "go along",
                direction,
            )
        )
    if facts["oncoming"] != "none":
        other = "left" if direction == "right" else "right"
        path = Track(_lane(other, -side * 1.2), 8.0, cruise(0.0))
        track = Track(path.corners, 8.0, cruise(40.0, path.length / 2 - 80.0))
        cast.append(Actor("boat", facts["oncoming"], track, "go along", other))
    return tuple(cast)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    count = int(facts["count"])
    everyone = range(count + (facts["oncoming"] != "none"))
    naming = ("boats on the water", "boats on a river")
    if len(everyone) == 1:
        naming = ("a boat on the water", "a boat on a river")
    vague = words.vaguely(naming, everyone)
    if words.pick("colour", "what") == "colour":
        broad = say(
            f"{noun('boat', facts['colour'], count)} on the river",
            range(count),
            ["colour", "count"],
        )
    else:
        does = "turns around" if facts["manoeuvre"] == "turn" else "goes along"
        broad = say(
            f"{noun('boat', None, count)} {verb(does, count)} on the river",
            range(count),
            ["manoeuvre", "count"],
        )
    return vague, broad, _movements(facts, words, "on the river")


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    return _movements(facts, words, words.pick("along the river", "on the wide river"))


def _movements(facts: Facts, words: Words, place: str) -> Phrase:
    """Which boats go where, and what they meet."""
    count = int(facts["count"])
    who = say(
        noun(words.pick("boat", "motor boat"), facts["colour"], count),
        range(count),
        ["colour", "count"],
    )
    where: Phrase | str = ""
    if words.sees_directions:
        where = say(f"to the {facts['direction']}", about=["direction"])
    alone = say("alone", about=["oncoming"])
    if facts["manoeuvre"] == "turn":
        turn = words.pick("then turns around", "then turns back")
        return join(
            who, "first goes", where, "and", say(turn, about=["manoeuvre", "order"]), alone, place
        )
    goes = say(verb(words.pick("goes", "moves"), count), about=["manoeuvre"])
    if facts["oncoming"] == "none":
        return join(who, goes, where, alone, place)
    meets = verb(words.pick("meets", "passes"), count)
    other = say(
        f"and {meets} {noun('boat', facts['oncoming'])} going the other way", [count], ["oncoming"]
    )
    return join(who, goes, where, place, other)
