"""VATEX: ten seconds of web video, ten English captions each (Wang et al., ICCV 2019)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from builders.sources.json_file import read_json_as, text_of
from builders.sources.listed_dataset import read_id_list
from builders.sources.matching import find_by_any_name, match_clips
from builders.sources.published import (
    AUTO,
    Annotations,
    candidate_folders,
    check_expected,
    find_annotations,
    record_sources,
)
from builders.sources.segments import (
    SEGMENT_FIELDS,
    SOURCE_VIDEO_FIELD,
    ClipSegment,
    Segment,
)
from builders.sources.source import (
    Clip,
    DatasetInfo,
    Footage,
    LicenceRecord,
    PublishedFile,
    Source,
    optional,
    required,
)
from dvtr_bench.errors import AnnotationError, ConfigError, NotFoundError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.npz_file import read_npy

_URL: Final = "https://eric-xw.github.io/vatex-website/data/"
_TRAINING: Final = "vatex_training_v1.0.json"
_VALIDATION: Final = "vatex_validation_v1.0.json"
_PUBLIC_TEST: Final = "vatex_public_test_english_v1.1.json"
_LISTS: Final = {
    "train": ("trn_names.npy", "train_list.txt"),
    "validation": ("val_names.npy", "val_list.txt"),
    "test": ("tst_names.npy", "test_list.txt"),
}
_ID: Final = re.compile(r"(.+)_(\d{6})_(\d{6})")

INFO: Final = DatasetInfo(
    name="vatex",
    version="1.0.0",
    pretty_name="VATEX",
    summary="28,991 web videos of ten seconds, ten English captions each.",
    description=(
        "VATEX describes parts of ten seconds of YouTube videos (of Kinetics-600) in English and "
        "Chinese; the English captions are read. The field's retrieval follows HGR (Chen et al., "
        "CVPR 2020): the 25,991 training videos, and the published validation videos halved into "
        "1,500 for validation and 1,500 for test (`--split hgr`, which needs HGR's lists). "
        "`--split official` has the authors' own splits instead."
    ),
    licence=LicenceRecord(
        "unknown",
        "We found no licence stated for the annotations; the videos are YouTube's, of many owners.",
        None,
    ),
    homepage="https://eric-xw.github.io/vatex-website/",
    citation="""\
@inproceedings{wang2019vatex,
  title     = {{VATEX}: A Large-Scale, High-Quality Multilingual Dataset for Video-and-Language
               Research},
  author    = {Wang, Xin and Wu, Jiawei and Chen, Junkun and Li, Lei and Wang, Yuan-Fang and
               Wang, William Yang},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision},
  year      = {2019}
}
@inproceedings{chen2020fine,
  title     = {Fine-Grained Video-Text Retrieval With Hierarchical Graph Reasoning},
  author    = {Chen, Shizhe and Zhao, Yida and Jin, Qin and Wu, Qi},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages     = {10638--10647},
  year      = {2020}
}""",
    files={
        name: PublishedFile(_URL + name, None) for name in (_TRAINING, _VALIDATION, _PUBLIC_TEST)
    },
    clips_from=(
        "YouTube: a folder that holds the parts under their ids ('G9zN5TTuGO4_000179_000189.mp4'), "
        "or whole videos under those of YouTube ('G9zN5TTuGO4.mp4'), of which the part is taken"
    ),
    expected={
        "train": (25_991, 259_910),
        "validation": (1_500, 15_000),
        "test": (1_500, 15_000),
    },
    flaws=(
        "Many of the videos are no longer on YouTube; work on fewer videos is not comparable.",
        "Some work chooses its checkpoint on the 1,500 test videos.",
    ),
    tags=("video-text-retrieval",),
)
_OFFICIAL: Final = INFO.variant("official")


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build vatex`.

    Raises:
        ConfigError: HGR's split is to be fetched, or lists are given for the official one.
    """

    annotations: Annotations = required(
        "the folder with vatex_training_v1.0.json and vatex_validation_v1.0.json (and "
        "vatex_public_test_english_v1.1.json for the official split), or auto"
    )
    clips: Path | None = optional(None, "the folder or zip with the videos, named after their ids")
    split: Literal["hgr", "official"] = optional("hgr", "hgr (the field's) or official")
    lists: Path | None = optional(
        None,
        "the folder with HGR's trn_names.npy, val_names.npy and tst_names.npy (or train_list.txt, "
        "val_list.txt and test_list.txt); that of the annotations by default",
    )

    def __post_init__(self) -> None:
        """Check that the lists can be found."""
        if self.split == "official" and self.lists is not None:
            raise ConfigError("--lists: the official split has none; use it with --split hgr")
        if self.split == "hgr" and self.lists is None and self.annotations == AUTO:
            raise ConfigError(
                f"--annotations {AUTO}: HGR's lists are in no place that they can be fetched from "
                "(see https://github.com/cshizhe/hgr_v2t, Datasets): name their folder with "
                "--lists, or take --split official"
            )


def read(options: Options) -> Source:
    """Read VATEX.

    Args:
        options: Paths of annotations, lists and clips, and the split.

    Returns:
        28,991 videos in HGR's split, or those of the official one, if the files are the published
        ones.
    """
    is_hgr = options.split == "hgr"
    info = INFO if is_hgr else _OFFICIAL
    needed = (_TRAINING, _VALIDATION) if is_hgr else tuple(INFO.files)
    info_of_files = replace(INFO, files={name: INFO.files[name] for name in needed})
    folder = find_annotations(info_of_files, options.annotations)
    captions = {name: read_captions(folder / name) for name in needed}
    split_of = _hgr_splits(options, captions) if is_hgr else _official_splits(captions)
    of_video = {video: texts for found in captions.values() for video, texts in found.items()}
    names_of = {name: (name,) for video in split_of for name in _names(video)}
    matches = match_clips(options.clips, lambda files: find_by_any_name(files, names_of))
    clips = tuple(
        Clip(
            video_id=video,
            captions=of_video[video],
            split=split,
            footage=_footage(video, matches.footage),
            extra=_extra(video, matches.footage),
        )
        for video, split in split_of.items()
    )
    sources = record_sources(info_of_files, folder)
    notes = check_expected(info, sources, clips) if is_hgr else ()
    return Source(
        info=info,
        clips=clips,
        sources=sources,
        extra_fields=(SOURCE_VIDEO_FIELD, *SEGMENT_FIELDS),
        unused_clips=matches.unused,
        notes=(*notes, *matches.notes),
        offers_clips=options.clips is not None,
        keeps_empty_captions=True,
    )


def _names(video: str) -> Iterator[str]:
    """Yield the names that the file of a video may have: its own, and that of the whole video."""
    yield video
    if found := _ID.fullmatch(video):
        yield found[1]


def _footage(video: str, footage_of: Mapping[str, Footage]) -> Footage | None:
    if video in footage_of:
        return footage_of[video]
    found = _ID.fullmatch(video)
    whole = footage_of.get(found[1]) if found else None
    return (
        ClipSegment(whole, Segment(float(found[2]), float(found[3]))) if found and whole else None
    )


def _extra(video: str, footage_of: Mapping[str, Footage]) -> dict[str, object]:
    """Return the YouTube video, and the times if the part is taken out of it here."""
    found = _ID.fullmatch(video)
    footage = _footage(video, footage_of)
    times = footage.segment.columns() if isinstance(footage, ClipSegment) else {}
    return {SOURCE_VIDEO_FIELD.name: found[1] if found else video, **times}


def _official_splits(captions: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    files = {"train": _TRAINING, "validation": _VALIDATION, "test": _PUBLIC_TEST}
    return {video: split for split, name in files.items() for video in captions[name]}


def _hgr_splits(options: Options, captions: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    folder = _find_lists(options)
    known = {video for found in captions.values() for video in found}
    split_of: dict[str, str] = {}
    for split, names in _LISTS.items():
        path = next(folder / name for name in names if (folder / name).is_file())
        for video in read_names(path):
            if video in split_of:
                raise AnnotationError(f"{path}: {video!r} is in the list of {split_of[video]} too")
            if video not in known:
                raise AnnotationError(f"{path}: {video!r} has no captions in the JSON files")
            split_of[video] = split
    return split_of


def _find_lists(options: Options) -> Path:
    given = options.lists or Path(options.annotations)
    for folder in candidate_folders(INFO, given):
        if all(any((folder / name).is_file() for name in names) for names in _LISTS.values()):
            return folder
    raise NotFoundError(
        f"{'--lists' if options.lists else '--annotations'} {given}: expected HGR's lists "
        f"{', '.join(' or '.join(names) for names in _LISTS.values())}; they come with the "
        "annotations of https://github.com/cshizhe/hgr_v2t (Datasets, folder public_split). Or "
        "take the authors' splits: --split official"
    )


def read_names(path: Path) -> tuple[str, ...]:
    """Read a list of ids: a text file, or an array of NumPy.

    Args:
        path: The file.

    Returns:
        Ids in the order of the file.

    Raises:
        AnnotationError: It is no array of texts; arrays of Python objects are refused, since
            reading them runs what they hold.
    """
    if path.suffix != ".npy":
        return read_id_list(path)
    with reading(path, "an array of texts", AnnotationError):
        names = read_npy(path, _LARGEST_LIST_BYTES)
        if names.ndim != 1 or names.dtype.kind not in "US":
            raise AnnotationError(
                f"{path}: expected a list of texts, found an array of {names.dtype} with "
                f"{names.ndim} axes"
            )
        return tuple(map(str, names.astype(str).tolist()))


_LARGEST_LIST_BYTES: Final = 1 << 26

_FORM: Final = '[{"videoID": "G9zN5TTuGO4_000179_000189", "enCap": ["...", "..."], "chCap": []}]'


def read_captions(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the English captions of one of the files.

    Args:
        path: The file.

    Returns:
        Captions by id, verbatim and in file order.

    Raises:
        AnnotationError: The file has another form, or an id occurs twice.
    """
    pairs = read_json_as(
        path,
        _FORM,
        lambda entries: [
            (text_of(entry["videoID"]), tuple(map(text_of, list(entry["enCap"]))))
            for entry in entries
        ],
    )
    captions = dict(pairs)
    if len(captions) < len(pairs):
        raise AnnotationError(f"{path}: {len(pairs) - len(captions)} ids occur twice")
    return captions
