"""Reads captions without the grammar: regular expressions over the plain text, for the tests."""

import re
from dataclasses import dataclass

import numpy as np

from builders.aerosynth import GroundTruth, ObjectTruth

COLOURS = "red|blue|green|yellow|orange|white|black|grey"
NUMBERS = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4}
KINDS = {
    "car": "car", "cars": "car", "van": "van", "vans": "van", "truck": "truck",
    "trucks": "truck", "bus": "bus", "buses": "bus", "tractor": "tractor",
    "tractors": "tractor", "harvester": "harvester", "boat": "boat", "boats": "boat",
    "person": "person", "people": "person", "smoke": "smoke",
}  # fmt: skip
NOUN = re.compile(
    rf"\b(?P<number>a|an|two|three|four)? ?(?:(?P<colour>{COLOURS}) )?(?:motor |combine )?"
    rf"(?<!parked )(?P<kind>{'|'.join(KINDS)})\b(?! park\b)(?: in (?P<shirt>{COLOURS}))?"
)


@dataclass(frozen=True)
class Noun:
    """A noun of a caption: how many of what kind and colour, and where it stands in the text."""

    number: int | None
    colour: str | None
    kind: str
    start: int
    end: int


def without_drone(caption: str) -> str:
    """The part of a caption that is not about the camera."""
    return re.split(r" (?:while|as) the drone ", caption)[0]


def nouns(text: str) -> list[Noun]:
    """All objects that a text names."""
    return [
        Noun(
            NUMBERS.get(match["number"]) if match["number"] else None,
            match["colour"] or match["shirt"],
            KINDS[match["kind"]],
            match.start(),
            match.end(),
        )
        for match in NOUN.finditer(text)
    ]


def objects_of(noun: Noun, truth: GroundTruth) -> list[ObjectTruth]:
    """The objects of a clip that a noun can mean."""
    return [
        one for one in truth.objects if one.kind == noun.kind and noun.colour in (None, one.colour)
    ]


def subject_at(text: str, position: int, truth: GroundTruth) -> list[ObjectTruth]:
    """The objects meant by the last noun before a position, of those that have a colour."""
    before = [noun for noun in nouns(text) if noun.end <= position and noun.colour]
    assert before, f"nobody to do it: {text}"
    found = objects_of(before[-1], truth)
    assert found, f"{before[-1]} is not in the clip: {text}"
    return found


def turn(one: ObjectTruth) -> float:
    """How far an object turns, in radians, positive to the right as its driver sees it."""
    return float(np.unwrap(one.headings)[-1] - np.unwrap(one.headings)[0])


def speeds(one: ObjectTruth) -> np.ndarray:
    """Distance on the ground from each frame to the next, in world units."""
    return np.asarray(np.hypot(*np.diff(one.ground, axis=0).T))


def onset(one: ObjectTruth) -> int:
    """The first frame by which an object has moved."""
    return int(np.flatnonzero(np.cumsum(speeds(one)) > 1.0)[0])
