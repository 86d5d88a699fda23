"""Two vehicles on a country road: one overtakes, follows, or falls behind the other."""

import numpy as np

from builders.aerosynth.actors import LENGTHS, Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say
from builders.aerosynth.motion import Point, Track, cruise
from builders.aerosynth.scenes.road import LANE
from builders.aerosynth.stories import Facts
from builders.aerosynth.stories.convoy import lane

SCENES = ("road",)
_COLOURS = ("red", "blue", "green", "yellow", "orange", "white", "black")
DOMAIN = {
    "kind_a": ("car", "van"),
    "colour_a": _COLOURS,
    "kind_b": ("truck", "bus", "van"),
    "colour_b": _COLOURS,
    "direction": ("left", "right"),
    "manoeuvre": ("overtake", "follow"),
}
CONTRASTS = ("manoeuvre", "direction", "colour_a", "colour_b", "kind_b")
DIRECTIONS = ("direction",)
CENTRE: Point = (0.0, 0.0)
ZOOM = 0.84


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: the two differ in colour and in kind."""
    return facts["colour_a"] != facts["colour_b"] and facts["kind_a"] != facts["kind_b"]


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Put both onto the road, the slower one in front."""
    own = Track(lane(facts["direction"]), 8.0, cruise(0.0))
    slow = float(rng.uniform(21, 25))
    middle = own.length / 2
    slower = Track(own.corners, 8.0, cruise(slow, middle - 2 * slow))
    gap = (LENGTHS[facts["kind_a"]] + LENGTHS[facts["kind_b"]]) / 2 + 14.0
    if facts["manoeuvre"] == "follow":
        faster = Track(own.corners, 8.0, cruise(slow, middle - 2 * slow - gap))
    else:
        speed = slow + 2 * (gap + 4.0) / 4.0
        faster = Track(_around(own), 30.0, cruise(speed, middle - 2 * speed))
    action = facts["manoeuvre"]
    return (
        Actor(facts["kind_a"], facts["colour_a"], faster, action, facts["direction"]),
        Actor(facts["kind_b"], facts["colour_b"], slower, "drive", facts["direction"]),
    )


def _around(own: Track) -> tuple[Point, ...]:
    """The way of the one that overtakes: out to the other lane and back."""
    bent = []
    for x, y in own.corners:
        aside = float(np.clip((72.0 - abs(x)) / 34.0, 0.0, 1.0)) * (2 * LANE + 2.0)
        # The other lane lies to the left of the heading: above when driving to the right.
        rightwards = own.corners[-1][0] > own.corners[0][0]
        bent.append((x, y - aside if rightwards else y + aside))
    return tuple(bent)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = words.vaguely(
        (
            "vehicles move on the road",
            "two vehicles on the road",
            "traffic on a road between fields",
        ),
        [0, 1],
    )
    if words.pick("kinds", "colours") == "kinds":
        broad = join(
            say(noun(facts["kind_a"]), [0], ["kind_a"]),
            "and",
            say(noun(facts["kind_b"]), [1], ["kind_b"]),
            "on the road",
        )
    else:
        verb = {"overtake": "overtakes", "follow": "follows"}[facts["manoeuvre"]]
        broad = join(
            say(noun("vehicle", facts["colour_a"]), [0], ["colour_a"]),
            say(f"{verb} another one on the road", [1], ["manoeuvre"]),
        )
    return vague, broad, join(_deed(facts, words), "on the road", _where(facts, words))


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    if facts["manoeuvre"] == "follow":
        return join(_deed(facts, words), "all the way along the road", _where(facts, words))
    first, second = _nouns(facts)
    order = say("is first behind", about=["manoeuvre", "order"])
    then = words.pick("and then overtakes it", "and then passes it")
    return join(first, order, second, then, "on the road", _where(facts, words))


def _nouns(facts: Facts) -> tuple[Phrase, Phrase]:
    """The two vehicles."""
    return (
        say(noun(facts["kind_a"], facts["colour_a"]), [0], ["kind_a", "colour_a"]),
        say(noun(facts["kind_b"], facts["colour_b"]), [1], ["kind_b", "colour_b"]),
    )


def _deed(facts: Facts, words: Words) -> Phrase:
    """Who does what to whom."""
    first, second = _nouns(facts)
    deed = (
        words.pick("overtakes", "drives past")
        if facts["manoeuvre"] == "overtake"
        else (words.pick("follows", "stays behind"))
    )
    return join(first, say(deed, about=["manoeuvre"]), second)


def _where(facts: Facts, words: Words) -> Phrase | str:
    """Where both drive, if that can be seen."""
    if not words.sees_directions:
        return ""
    return say(f"to the {facts['direction']}", about=["direction"])
