"""MSR-VTT: 10,000 clips of web video, 20 captions each (Xu et al., CVPR 2016), in two splits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from builders.sources.matching import find_by_stem, match_clips
from builders.sources.msrvtt_json import MsrvttVideo, read_column, read_ids, read_msrvtt
from builders.sources.published import (
    AUTO,
    Annotations,
    candidate_folders,
    check_expected,
    fetch_annotations,
    record_sources,
)
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
from dvtr_bench.errors import AnnotationError, ConfigError, NotFoundError
from dvtr_bench.runtime.terminal import count_of

_WHOLE: Final = "MSRVTT_data.json"
_TRAIN_1KA: Final = "MSRVTT_train.9k.csv"
_TEST_1KA: Final = "MSRVTT_JSFUSION_test.csv"
_JSON_FORMS: Final = (
    (_WHOLE,),
    ("train_val_videodatainfo.json", "test_videodatainfo.json"),
    ("videodatainfo.json",),
    ("videodatainfo_2017.json",),
    ("MSR_VTT.json",),
)
"""The files that together have all 10,000 videos, in the published forms."""

_SPLITS: Final = ("1k-a", "full")
_FULL: Final = {"train": range(6513), "validation": range(6513, 7010), "test": range(7010, 10000)}
_EXPECTED: Final[Mapping[str, Mapping[str, tuple[int, int | None]]]] = {
    "1k-a": {"train": (9000, 180_000), "test": (1000, 1000)},
    "full": {"train": (6513, 130_260), "validation": (497, 9_940), "test": (2990, 59_800)},
}
_CATEGORIES: Final = (
    "music,people,gaming,sports/actions,news/events/politics,education,tv shows,movie/comedy,"
    "animation,vehicles/autos,howto,travel,science/technology,animals/pets,kids/family,"
    "documentary,food/drink,cooking,beauty/fashion,advertisement"
).split(",")
_ZIP: Final = PublishedFile(
    "https://github.com/ArrowLuo/CLIP4Clip/releases/download/v0.0/msrvtt_data.zip",
    None,
    in_zip=True,
)

INFO: Final = DatasetInfo(
    name="msrvtt",
    version="1.0.0",
    pretty_name="MSR-VTT",
    summary="10,000 clips of web video seen from the ground, 20 captions each.",
    description=(
        "MSR-VTT is the set that most work on video-text retrieval reports on: clips of 10 to 30 "
        "seconds from YouTube, 20 captions each. It is seen from the ground: here it checks "
        "whether what helps on drone clips helps elsewhere. Two splits are in use. `1k-a` "
        "(JSFusion's, `--split 1k-a`): 9,000 train videos with all captions, 1,000 test videos "
        "with one chosen caption each. `full` (the authors', `--split full`): 6,513/497/2,990 "
        "videos with all captions. Results on one say nothing about the other."
    ),
    licence=LicenceRecord(
        "unknown",
        "The release with the captions states no licence; the clips are parts of YouTube videos "
        "of many owners.",
        None,
    ),
    homepage="https://www.microsoft.com/en-us/research/publication/"
    "msr-vtt-a-large-video-description-dataset-for-bridging-video-and-language/",
    citation="""\
@inproceedings{xu2016msrvtt,
  title     = {{MSR-VTT}: A Large Video Description Dataset for Bridging Video and Language},
  author    = {Xu, Jun and Mei, Tao and Yao, Ting and Rui, Yong},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {5288--5296},
  year      = {2016}
}
@inproceedings{yu2018jsfusion,
  title     = {A Joint Sequence Fusion Model for Video Question Answering and Retrieval},
  author    = {Yu, Youngjae and Kim, Jongseok and Kim, Gunhee},
  booktitle = {European Conference on Computer Vision},
  year      = {2018}
}""",
    files={name: _ZIP for name in (_WHOLE, _TRAIN_1KA, _TEST_1KA)},
    clips_from=(
        "https://www.robots.ox.ac.uk/~maxbain/frozen-in-time/data/MSRVTT.zip: name that zip, or a "
        "folder that holds the clips under their ids ('video7010.mp4')"
    ),
    expected=_EXPECTED["1k-a"],
    flaws=(
        "Clips that were cut from one YouTube video (`source_url`) may stand in train and test.",
        "Captions are shared by several clips, and some have spelling mistakes; they are kept.",
    ),
    tags=("video-text-retrieval",),
)
_EXTRA_FIELDS: Final = (
    pa.field("source_url", pa.string()),
    pa.field("source_start_seconds", pa.float64()),
    pa.field("source_end_seconds", pa.float64()),
)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build msrvtt`.

    Raises:
        ConfigError: There is no such split, or the fraction is not below 1.
    """

    annotations: Annotations = required(
        "the folder with MSRVTT_data.json (or train_val_videodatainfo.json and "
        "test_videodatainfo.json, or Frozen in Time's MSR_VTT.json), MSRVTT_train.9k.csv and "
        "MSRVTT_JSFUSION_test.csv, or auto"
    )
    clips: Path | None = optional(None, "the folder or zip with the clips, named after their ids")
    split: str = optional("1k-a", "1k-a (JSFusion's) or full (the authors')", choices=_SPLITS)
    validation_fraction: float = optional(0.0, "the share of train that becomes validation (1k-a)")

    def __post_init__(self) -> None:
        """Check the split and the fraction."""
        if self.split not in _SPLITS:
            raise ConfigError(f"--split {self.split}: expected {' or '.join(_SPLITS)}")
        check_fraction(self.validation_fraction)
        if self.split == "full" and self.validation_fraction:
            raise ConfigError("--validation-fraction: the full split has a validation split")


def read(options: Options) -> Source:
    """Read MSR-VTT.

    Args:
        options: Paths of annotations and clips, and the split.

    Returns:
        10,000 videos in the chosen split, if the files are the published ones.
    """
    lists = (_TRAIN_1KA, _TEST_1KA) if options.split == "1k-a" else ()
    folder, forms = _find_files(options.annotations, lists)
    videos = read_msrvtt([folder / name for name in forms])
    chosen, notes = (
        _split_1ka(folder, videos) if options.split == "1k-a" else _split_full(folder, videos)
    )
    ids = [video.video_id for _, video, _ in chosen]
    matches = match_clips(options.clips, lambda clip_files: find_by_stem(clip_files, ids))
    clips = tuple(
        Clip(
            video_id=video.video_id,
            captions=captions,
            split=split,
            footage=matches.footage.get(video.video_id),
            category=_category(folder, video),
            extra=_extra(video),
        )
        for split, video, captions in chosen
    )
    info = replace(
        INFO,
        name="msrvtt" if options.split == "1k-a" else "msrvtt-full",
        version=f"{INFO.version}+{options.split}",
        pretty_name=f"MSR-VTT {options.split}",
        expected=_EXPECTED[options.split],
    )
    sources = record_sources(info, folder, (*forms, *lists))
    carved = carve_validation(info, clips, options.validation_fraction)
    return Source(
        info=carved.info,
        clips=carved.clips,
        sources=sources,
        extra_fields=_EXTRA_FIELDS,
        unused_clips=matches.unused,
        notes=(*check_expected(info, sources, clips), *notes, *carved.notes, *matches.notes),
        offers_clips=options.clips is not None,
        keeps_empty_captions=True,
    )


_Chosen = list[tuple[str, MsrvttVideo, tuple[str, ...]]]
"""Split, video and its captions in that split."""


def _find_files(annotations: Annotations, lists: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Return the folder and the JSON files in it."""
    if annotations == AUTO:
        return fetch_annotations(INFO), (_WHOLE,)
    folder = Path(annotations)
    for candidate in candidate_folders(INFO, folder):
        for forms in _JSON_FORMS:
            if all((candidate / name).is_file() for name in (*forms, *lists)):
                return candidate, forms
    expected = ", or ".join(" and ".join(forms) for forms in _JSON_FORMS)
    file_names = sorted(
        path.name for path in folder.glob("*.*") if path.suffix in {".json", ".csv"}
    )
    raise NotFoundError(
        f"--annotations {folder}: expected {expected}; with them "
        f"{' and '.join(lists) or 'no more'}; "
        f"found {', '.join(file_names[:10]) or 'nothing'}. They are in the zip {_ZIP.url}; or let "
        "them "
        f"be fetched: --annotations {AUTO}"
    )


def _split_1ka(folder: Path, videos: Mapping[str, MsrvttVideo]) -> tuple[_Chosen, tuple[str, ...]]:
    train = [
        _video_with_id(folder / _TRAIN_1KA, videos, name) for name in read_ids(folder / _TRAIN_1KA)
    ]
    sentences = read_column(folder / _TEST_1KA, "video_id", "sentence")
    test = [_video_with_id(folder / _TEST_1KA, videos, name) for name in sentences]
    if both := {video.video_id for video in train} & sentences.keys():
        raise AnnotationError(
            f"{folder}: {len(both)} ids are in both {_TRAIN_1KA} and {_TEST_1KA}, such as "
            f"{min(both)!r}"
        )
    other = sum(sentences[video.video_id] not in video.captions for video in test)
    notes = (
        "Models of the field choose their checkpoint on these test clips, for want of a "
        "validation split: --validation-fraction 0.1 carves one out of train.",
        *((f"{other} test captions are none of their video's own in the JSON.",) if other else ()),
    )
    chosen = [("train", video, video.captions) for video in train]
    return [*chosen, *(("test", video, (sentences[video.video_id],)) for video in test)], notes


def _split_full(folder: Path, videos: Mapping[str, MsrvttVideo]) -> tuple[_Chosen, tuple[str, ...]]:
    split_of = {number: split for split, numbers in _FULL.items() for number in numbers}
    if strange := [name for name, video in videos.items() if video.number not in split_of]:
        raise AnnotationError(
            f"{folder}: expected video0 to video9999, found {strange[0]!r} (and "
            f"{len(strange) - 1:,} more): the 2017 challenge's own test videos are not in the split"
        )
    chosen = [(split_of[video.number], video, video.captions) for video in videos.values()]
    names = {"train": "train", "validate": "validation", "val": "validation", "test": "test"}
    other = sum(video.split is not None and names.get(video.split) != s for s, video, _ in chosen)
    notes = (
        f"The files name another split for {count_of(other, 'video')} (the challenge of 2017 made "
        "all of them train and validation); the split here is that of 2016, by the numbers of the "
        "ids.",
    )
    return chosen, notes if other else ()


def _video_with_id(path: Path, videos: Mapping[str, MsrvttVideo], video_id: str) -> MsrvttVideo:
    if video_id not in videos:
        raise AnnotationError(f"{path}: the id {video_id!r} is not in MSR-VTT's JSON")
    return videos[video_id]


def _category(folder: Path, video: MsrvttVideo) -> str | None:
    if video.category is None:
        return None
    if not 0 <= video.category < len(_CATEGORIES):
        raise AnnotationError(
            f"{folder}: {video.video_id}: expected a category from 0 to {len(_CATEGORIES) - 1}, "
            f"found {video.category}"
        )
    return _CATEGORIES[video.category]


def _extra(video: MsrvttVideo) -> dict[str, Any]:
    return {
        "source_url": video.url,
        "source_start_seconds": video.start_seconds,
        "source_end_seconds": video.end_seconds,
    }
