"""Annotation files of the published datasets, changed by whoever hosts a copy."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from builders.datasets.activitynet import read_events
from builders.datasets.capera import read_capera
from builders.datasets.didemo import read_moments
from builders.datasets.geotext1652 import read_pictures
from builders.datasets.lsmdc import read_sentences
from builders.datasets.vatex import read_captions
from builders.sources.json_file import read_json_as
from builders.sources.listed_dataset import read_id_list
from builders.sources.msrvtt_json import read_msrvtt
from tests.hostile.case import Hostile
from tests.hostile.making import holds, large

_READERS: dict[str, Callable[[Path], object]] = {
    "capera": read_capera,
    "msrvtt": lambda path: read_msrvtt([path]),
    "vatex": read_captions,
    "activitynet": read_events,
    "didemo": read_moments,
    "geotext": read_pictures,
    "a form": partial(read_json_as, form="a form", read=lambda value: value["a"]["b"]),
}

_TEXTS: dict[str, tuple[str | bytes, str]] = {
    "nested deep": ("[" * 200_000, "nested too deep"),
    "nested 500 deep": ('{"a":' * 500 + "1" + "}" * 500, "nested too deep: more than 100"),
    "a number of 5,000 digits": ('{"a": ' + "1" * 5_000 + "}", "not JSON .*digits"),
    "half a character": ('{"ERA_caption": "\\ud800"}', "half a character, U.D800"),
    "not UTF-8": (b'{"a": "\xff"}', "not utf-8: byte 0xff in line 1"),
    "a list of numbers": ("[1, 2, 3]", "expected .*failed at"),
    "a text": ('"x"', "expected .*failed at"),
    "empty": ("", "not JSON"),
}

_LINES = {
    "an id list of an empty line": (read_id_list, "a\n\nb\n", "line 2: expected an id"),
    "an id list with one twice": (read_id_list, "a\nb\na\n", "line 3: the id 'a'"),
    "an id list not in UTF-8": (read_id_list, b"a\n\xff\n", "byte 0xff in line 2"),
    "lines of two cells": (read_sentences, "a\tb\n", "line 1: expected"),
    "msrvtt: an id of 5,000 digits": (
        _READERS["msrvtt"],
        '{"videos": [{"video_id": "video' + "1" * 5_000 + '"}], "sentences": []}',
        "expected ids such as 'video7010'",
    ),
    "msrvtt: ids that are lists": (
        _READERS["msrvtt"],
        '{"videos": [{"video_id": []}], "sentences": []}',
        "expected ids such as 'video7010', found",
    ),
    "capera: captions that are numbers": (
        read_capera,
        '{"ERA_caption": [{"video_id": "a", "annotation": {"English_caption": [1]}}]}',
        "expected a list of captions",
    ),
}

_TOO_LARGE = r"takes 1,073,741,825 bytes: expected at most 1,073,741,824"

INPUTS = [
    *(
        Hostile(f"{reader}: {name}", holds("a.json", text), read, rf"a\.json: .*{message}")
        for reader, read in _READERS.items()
        for name, (text, message) in _TEXTS.items()
    ),
    *(
        Hostile(name, holds("a.txt", text), read, rf"a\.txt.*{message}")
        for name, (read, text, message) in _LINES.items()
    ),
    Hostile("an id list of 1 GB", large("a.txt", (1 << 30) + 1), read_id_list, _TOO_LARGE),
    Hostile("a file of 1 GB", large("a.json", (1 << 30) + 1), read_capera, _TOO_LARGE),
]
