"""CapERA: ERA's clips with one written and four generated captions (Remote Sensing 15(8), 2139)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import pyarrow as pa

from builders.sources.clips import ClipFiles
from builders.sources.era_clips import EraKey, Part, category_of, find_era_clips
from builders.sources.json_file import read_json_as
from builders.sources.matching import match_clips
from builders.sources.published import Annotations, check_expected, find_annotations, record_sources
from builders.sources.source import (
    Clip,
    DatasetInfo,
    LicenceRecord,
    Origin,
    PublishedFile,
    Source,
    optional,
    required,
)
from builders.sources.splits import carve_validation, check_fraction
from dvtr_bench.errors import AnnotationError
from dvtr_bench.reading.border import brief_value

_URL: Final = (
    "https://raw.githubusercontent.com/yakoubbazi/CapEra/"
    "ea40b508304adaf9e9b5350cfcfd2a3662b159b7/dataset/"
)
_FILES: Final[Mapping[Part, tuple[str, str]]] = {
    "Tra": ("train", "CapERA_DATASET_train.json"),
    "Test": ("test", "CapERA_DATASET_test.json"),
}
"""Split and annotation file of each folder of ERA."""

INFO: Final = DatasetInfo(
    name="capera",
    version="1.0.0",
    pretty_name="CapERA",
    summary="ERA's 2,864 aerial clips in its own two splits, five captions each.",
    description=(
        "CapERA captions the clips of ERA (Event Recognition in Aerial videos, arXiv 2001.11394): "
        "5 seconds each, 24 frames a second, 640x640 pixels. People wrote one caption a clip, the "
        "others were generated from it. Published ids repeat across the two files for different "
        "clips, so `video_id` here is ERA's folder and the published id without its extension "
        "(`Tra_Baseball_001`); the published id stands in the column `published_id`."
    ),
    licence=LicenceRecord(
        "unknown",
        "Neither the repository of the captions nor ERA's page states a licence.",
        None,
    ),
    homepage="https://github.com/yakoubbazi/CapEra",
    citation="""\
@article{bashmal2023capera,
  title   = {{CapERA}: Captioning Events in Aerial Videos},
  author  = {Bashmal, Laila and Bazi, Yakoub and Al Rahhal, Mohamad Mahmoud and Zuair, Mansour
             and Melgani, Farid},
  journal = {Remote Sensing},
  volume  = {15},
  number  = {8},
  pages   = {2139},
  year    = {2023}
}""",
    files={
        "CapERA_DATASET_train.json": PublishedFile(
            _URL + "CapERA_DATASET_train.json",
            "9283bdef8f51b7779ffa6203d56f42dc0cf8ff7b67ab1224d036888d7bda97d7",
        ),
        "CapERA_DATASET_test.json": PublishedFile(
            _URL + "CapERA_DATASET_test.json",
            "c721cbbece865d154ffac6c3d407e406b4b02cd902c23f7cabba21b220c2dec8",
        ),
    },
    clips_from="ERA, https://lcmou.github.io/ERA_Dataset: name the folder that holds Tra and Test",
    expected={"train": (1473, 7365), "test": (1391, 6955)},
    flaws=(
        "No validation split is published: `--validation-fraction 0.1` carves one out of train.",
        "Its clips are USRD's: a model trained on one has seen test clips of the other.",
        "Close to half of the test captions stand for more than one test clip.",
    ),
    tags=("drone", "uav", "aerial", "video-text-retrieval"),
)


def _era_name(video_id: str) -> str | None:
    part, _, name = video_id.partition("_")
    return f"{part}/{name}" if part in _FILES and name else None


ORIGIN: Final = Origin("ERA", _era_name)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build capera`.

    Raises:
        ConfigError: The fraction is not below 1.
    """

    annotations: Annotations = required(
        "the folder with CapERA_DATASET_train.json and ..._test.json, or auto"
    )
    clips: Path | None = optional(None, "the folder or zip that holds ERA's Tra and Test")
    validation_fraction: float = optional(0.0, "the share of train that becomes validation")

    def __post_init__(self) -> None:
        """Check the fraction."""
        check_fraction(self.validation_fraction)


def read(options: Options) -> Source:
    """Read CapERA.

    Args:
        options: Paths of annotations and clips, and the validation fraction.

    Returns:
        2,864 videos with five captions each, if the files are the published ones.
    """
    folder = find_annotations(INFO, options.annotations)
    entries = [
        (EraKey(part, published_id.removesuffix(".mp4")), published_id, split, captions)
        for part, (split, name) in _FILES.items()
        for published_id, captions in read_capera(folder / name).items()
    ]
    keys = [key for key, *_ in entries]
    matches = match_clips(options.clips, lambda clip_files: _find_clips(clip_files, keys))
    clips = tuple(
        Clip(
            video_id=_video_id(key),
            captions=captions,
            split=split,
            footage=matches.footage.get(_video_id(key)),
            category=category_of(key.name),
            extra={"published_id": published_id},
        )
        for key, published_id, split, captions in entries
    )
    sources = record_sources(INFO, folder)
    notes = check_expected(INFO, sources, clips)
    carved = carve_validation(INFO, clips, options.validation_fraction)
    return Source(
        info=carved.info,
        clips=carved.clips,
        sources=sources,
        extra_fields=(pa.field("published_id", pa.string()),),
        unused_clips=matches.unused,
        notes=(*notes, *carved.notes, *matches.notes),
        offers_clips=options.clips is not None,
        keeps_empty_captions=True,
    )


def _video_id(key: EraKey) -> str:
    return f"{key.part}_{key.name}"


def _find_clips(folder: ClipFiles, keys: Sequence[EraKey]) -> Mapping[str, Sequence[PurePosixPath]]:
    era_clips = find_era_clips(folder)
    return {_video_id(key): era_clips.get(key, []) for key in keys}


_FORM = (
    '{"ERA_caption": [{"video_id": "Baseball_001.mp4", "annotation": {"English_caption": [...]}}]}'
)


def read_capera(path: Path) -> dict[str, tuple[str, ...]]:
    """Read one of CapERA's two files.

    Args:
        path: The file.

    Returns:
        Captions by video id, verbatim and in file order.

    Raises:
        AnnotationError: The file has a different format, or an id occurs twice.
    """
    pairs = read_json_as(
        path,
        _FORM,
        lambda value: [
            (entry["video_id"], entry["annotation"]["English_caption"])
            for entry in value["ERA_caption"]
        ],
    )
    captions_by_id: dict[str, tuple[str, ...]] = {}
    for video_id, captions in pairs:
        if not isinstance(video_id, str) or not _are_strings(captions):
            raise AnnotationError(
                f"{path}: {brief_value(video_id)}: expected a list of captions: {_FORM}"
            )
        if video_id in captions_by_id:
            raise AnnotationError(f"{path}: the id {video_id!r} occurs twice")
        captions_by_id[video_id] = tuple(captions)
    return captions_by_id


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
