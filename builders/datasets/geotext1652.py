"""GeoText-1652: drone pictures of buildings, with captions and boxes of phrases (ECCV 2024)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from builders.sources.json_file import read_json_as, text_of
from builders.sources.published import Annotations, check_expected, find_annotations, record_sources
from builders.sources.source import (
    Clip,
    DatasetInfo,
    LicenceRecord,
    PublishedFile,
    Source,
    optional,
    required,
)
from builders.sources.splits import carve_validation, check_fraction
from builders.sources.stills import find_stills
from dvtr_bench.errors import AnnotationError

_URL: Final = "https://huggingface.co/datasets/truemanv5666/GeoText1652_Dataset/resolve/main/"
_FILES: Final = {"train": "train.json", "test": "test_951_version.json"}
_BUILDING: Final = "building"

INFO: Final = DatasetInfo(
    name="geotext1652",
    version="1.0.0",
    pretty_name="GeoText-1652",
    summary="Pictures of 1,652 university buildings from drones, three captions each.",
    description=(
        "GeoText-1652 describes the pictures of University-1652: buildings seen from a drone, from "
        "a satellite and from the street. Each picture has three captions, and phrases that are "
        "tied to boxes, so that `dvtr-bench probe` can tell whether a model looks at what a "
        "caption names. A picture is a clip of one frame. 33 universities are in train, 39 others "
        "in test."
    ),
    licence=LicenceRecord(
        "cc-by-4.0",
        "As the card of the authors' dataset on the Hub states it.",
        "https://huggingface.co/datasets/GeoText/GeoText-1652",
    ),
    homepage="https://github.com/MultimodalGeo/GeoText-1652",
    citation="""\
@inproceedings{chu2024towards,
  title     = {Towards Natural Language-Guided Drones: GeoText-1652 Benchmark with Spatial Relation
               Matching},
  author    = {Chu, Meng and Zheng, Zhedong and Ji, Wei and Wang, Tingyu and Chua, Tat-Seng},
  booktitle = {ECCV},
  year      = {2024}
}""",
    files={name: PublishedFile(_URL + name, None) for name in _FILES.values()},
    clips_from=(
        "https://huggingface.co/datasets/truemanv5666/GeoText1652_Dataset: unpack the archives in "
        "its folder images and name that folder, which holds train and test"
    ),
    expected={"train": (37_854, 113_562), "test": (51_355, 154_065)},
    flaws=(
        "Many pictures show one building, so a caption fits several: the authors count a picture "
        "of the right building as right, here only a caption's own picture is. The column "
        "`building` names the building.",
        "The published counts are those of drone pictures; whether the files also have the "
        "satellite and street pictures is not stated.",
        "Captions are long: text encoders with a short context cut their end.",
        "No validation split is published: `--validation-fraction 0.1` carves one out of train, "
        "whole buildings.",
    ),
    tags=("drone", "uav", "aerial", "image-text-retrieval"),
)
EXTRA_FIELDS: Final = (
    pa.field("image", pa.string()),
    pa.field(_BUILDING, pa.string()),
    pa.field(
        "objects",
        pa.list_(
            pa.struct(
                [
                    pa.field("phrase", pa.string()),
                    pa.field("boxes", pa.list_(pa.list_(pa.float64()))),
                ]
            )
        ),
    ),
    pa.field("caption_mentions", pa.list_(pa.struct([pa.field("objects", pa.list_(pa.int32()))]))),
)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build geotext1652`.

    Raises:
        ConfigError: The fraction is not below 1.
    """

    annotations: Annotations = required(
        "the folder with train.json and test_951_version.json, or auto"
    )
    clips: Path | None = optional(None, "the folder or zip with the pictures, train and test")
    validation_fraction: float = optional(0.0, "the share of train that becomes validation")

    def __post_init__(self) -> None:
        """Check the fraction."""
        check_fraction(self.validation_fraction)


@dataclass
class Picture:
    """One picture.

    Attributes:
        image: Its path.
        captions: Its captions, verbatim, in file order.
        objects: Its phrases with their boxes: x0, y0, x1, y1 as fractions.
        mentions: For each caption the numbers of its phrases in `objects`.
    """

    image: str
    captions: list[str] = field(default_factory=list)
    objects: list[tuple[str, tuple[float, ...]]] = field(default_factory=list)
    mentions: list[list[int]] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """Return its values of `EXTRA_FIELDS` but the building's."""
        return {
            "image": self.image,
            "objects": [{"phrase": phrase, "boxes": [list(box)]} for phrase, box in self.objects],
            "caption_mentions": [{"objects": numbers} for numbers in self.mentions],
        }


def read(options: Options) -> Source:
    """Read GeoText-1652.

    Args:
        options: Paths of annotations and pictures, and the validation fraction.

    Returns:
        One clip of one frame for each picture.

    Raises:
        AnnotationError: A file has another form, or a picture is in both.
    """
    folder = find_annotations(INFO, options.annotations)
    pictures = {split: read_pictures(folder / name) for split, name in _FILES.items()}
    if both := pictures["train"].keys() & pictures["test"].keys():
        raise AnnotationError(
            f"{folder}: {len(both)} pictures are in both {' and '.join(_FILES.values())}, such as "
            f"{min(both)!r}"
        )
    names = [picture.image for found in pictures.values() for picture in found.values()]
    stills = find_stills(options.clips, names) if options.clips else {}
    clips = tuple(
        Clip(
            video_id=image_id.replace("/", "__"),
            captions=tuple(picture.captions),
            split=split,
            footage=stills.get(picture.image),
            extra={_BUILDING: image_id.partition("/")[0], **picture.columns()},
        )
        for split, found in pictures.items()
        for image_id, picture in found.items()
    )
    sources = record_sources(INFO, folder)
    notes = check_expected(INFO, sources, clips)
    carved = carve_validation(INFO, clips, options.validation_fraction, group=_BUILDING)
    return Source(
        info=carved.info,
        clips=carved.clips,
        sources=sources,
        extra_fields=EXTRA_FIELDS,
        notes=(*notes, *carved.notes),
        offers_clips=options.clips is not None,
        keeps_empty_captions=True,
    )


_FORM: Final = (
    '[{"image_id": "0839/image-43.jpeg", "image": "train/0839/image-43.jpeg", "caption": "...", '
    '"sentences": ["..."], "bboxes": [[0.4, 0.7, 0.4, 0.6]]}]'
)


def read_pictures(path: Path) -> dict[str, Picture]:
    """Read one of the files.

    Args:
        path: The file. An entry has one caption, and its sentences and boxes; or, as in the test
            file, a list of captions. Sentences and boxes may be missing.

    Returns:
        Pictures by ``image_id``, in the order of their first entries.

    Raises:
        AnnotationError: The file has another form.
    """
    return read_json_as(path, _FORM, _pictures)


def _pictures(entries: list[Mapping[str, Any]]) -> dict[str, Picture]:
    pictures: dict[str, Picture] = {}
    for entry in entries:
        image_id, image = text_of(entry["image_id"]), text_of(entry["image"])
        picture = pictures.setdefault(image_id, Picture(image))
        if picture.image != image:
            raise ValueError(f"{image_id!r} is {picture.image} and {image}")
        captions = entry["caption"]
        if not isinstance(captions, list):
            captions = [captions]
        named = _add_objects(picture, entry)
        for caption in captions:
            picture.captions.append(text_of(caption))
            # Which of several captions has a phrase is not stated.
            picture.mentions.append(named if len(captions) == 1 else [])
    return pictures


def _add_objects(picture: Picture, entry: Mapping[str, Any]) -> list[int]:
    """Add the phrases of an entry that have a box; return their numbers."""
    sentences, boxes = entry.get("sentences") or [], entry.get("bboxes") or []
    named = []
    for sentence, box in zip(sentences, boxes, strict=True):
        if sentence is None or box is None:
            continue
        found = (text_of(sentence), _corners(box))
        if found not in picture.objects:
            picture.objects.append(found)
        named.append(picture.objects.index(found))
    return sorted(set(named))


def _corners(box: list[float]) -> tuple[float, ...]:
    """Turn centre, width and height into corners within the picture."""
    x, y, width, height = map(float, box)
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return tuple(min(1.0, max(0.0, corner)) for corner in corners)
