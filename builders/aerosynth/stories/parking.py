"""A vehicle comes into a car park and parks, or leaves its bay and drives away."""

import numpy as np

from builders.aerosynth.actors import Actor
from builders.aerosynth.grammar import Phrase, Words, join, noun, say
from builders.aerosynth.motion import Point, Track, cruise, halt
from builders.aerosynth.scenes.car_park import LANE, ROW_Y
from builders.aerosynth.stories import Facts

SCENES = ("car_park",)
DOMAIN = {
    "kind": ("car", "car", "van"),
    "colour": ("red", "blue", "green", "yellow", "orange", "white", "black"),
    "manoeuvre": ("park", "leave", "pass"),
    "side": ("left", "right"),
    "row": ("top", "bottom"),
}
CONTRASTS = ("kind", "colour", "manoeuvre", "side", "row")
DIRECTIONS = ("side", "row")
CENTRE: Point = (0.0, 0.0)
ZOOM = 0.94


def possible(facts: Facts) -> bool:
    """Return whether facts are compatible: who only passes has no row."""
    return facts["manoeuvre"] != "pass" or facts["row"] == "top"


def bay_track(bay: float, row: str, side: str, parks: bool) -> tuple[Point, ...]:
    """The way between one side of the aisle and a bay; traffic keeps to the right.

    Args:
        bay: x of the bay.
        row: top or bottom.
        side: Where the vehicle comes from, or where it leaves to: left or right.
        parks: Whether it drives into the bay or out of it.

    Returns:
        Three corners in driving order.
    """
    rightwards = (side == "left") == parks
    lane = LANE if rightwards else -LANE
    x_far = -300.0 if side == "left" else 300.0
    bay_y = -ROW_Y if row == "top" else ROW_Y
    corners = ((x_far, lane), (bay, lane), (bay, bay_y))
    return corners if parks else corners[::-1]


def actors(facts: Facts, rng: np.random.Generator) -> tuple[Actor, ...]:
    """Put the vehicle into the aisle or into its bay."""
    side, row = facts["side"], facts["row"]
    if facts["manoeuvre"] == "pass":
        other = "right" if side == "left" else "left"
        corners = bay_track(0.0, row, side, True)[:1] + bay_track(0.0, row, other, False)[2:]
        track = Track(corners, 0.0, cruise(float(rng.uniform(44, 50)), 300.0 - 96.0))
        direction = other
    elif facts["manoeuvre"] == "park":
        bay = 44.0 if side == "left" else -44.0
        way = Track(bay_track(bay, row, side, True), 26.0, cruise(0.0))
        track = Track(way.corners, 26.0, halt(float(rng.uniform(64, 69)), 300.0 - 94.0, way.length))
        direction = row
    else:
        bay = 44.0 if side == "left" else -44.0
        track = Track(
            bay_track(bay, row, side, False), 26.0, cruise(float(rng.uniform(52, 57)), 0.0, 0.6)
        )
        direction = side
    return (Actor(facts["kind"], facts["colour"], track, facts["manoeuvre"], direction),)


def captions(facts: Facts, words: Words) -> tuple[Phrase, ...]:
    """Return a vague, a general and a specific caption, in this order."""
    vague = words.vaguely(
        ("a vehicle moves in a car park",), [0], ("many parked cars", "a car park")
    )
    if words.pick("colour", "what") == "colour":
        broad = say(f"{noun('vehicle', facts['colour'])} moves in the car park", [0], ["colour"])
    else:
        done = {"park": "parks", "leave": "leaves its bay", "pass": "drives past the parked cars"}
        broad = say(
            f"{noun(facts['kind'])} {done[facts['manoeuvre']]} in the car park",
            [0],
            ["kind", "manoeuvre"],
        )
    return (
        vague,
        broad,
        join(_manoeuvre(facts, words), words.pick("in the car park", "in a car park")),
    )


def exactly(facts: Facts, words: Words) -> Phrase:
    """Return all facts except camera and time of day, with the order of events."""
    return join("between parked cars", _manoeuvre(facts, words))


def _manoeuvre(facts: Facts, words: Words) -> Phrase:
    """What the vehicle does first and then."""
    who = say(noun(facts["kind"], facts["colour"]), [0], ["kind", "colour"])
    seen = words.sees_directions
    if facts["manoeuvre"] == "pass":
        away = f" to the {'right' if facts['side'] == 'left' else 'left'}" if seen else ""
        what = words.pick("drives straight through", "goes straight through")
        about = ["manoeuvre", "side"] if seen else ["manoeuvre"]
        return join(who, say(f"{what}{away}", about=about))
    about = ["manoeuvre", "side", "row", "order"] if seen else ["manoeuvre", "order"]
    if facts["manoeuvre"] == "park":
        comes = f"comes from the {facts['side']}" if seen else "drives along"
        bay = f"in the {facts['row']} row" if seen else "in a bay"
        return join(who, say(f"{comes} and then parks {bay}", about=about))
    leaves = words.pick("first leaves", "first pulls out of")
    bay = f"the {facts['row']} row" if seen else "its bay"
    away = f"drives off to the {facts['side']}" if seen else "drives off"
    return join(who, say(f"{leaves} {bay} and then {away}", about=about))
