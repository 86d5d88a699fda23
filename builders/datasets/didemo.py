"""DiDeMo: personal videos with descriptions of moments (Hendricks et al., ICCV 2017)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple

from builders.sources.json_file import read_json_as, text_of
from builders.sources.matching import find_by_any_name, match_clips
from builders.sources.published import Annotations, check_expected, find_annotations, record_sources
from builders.sources.segments import (
    SEGMENT_FIELDS,
    SOURCE_VIDEO_FIELD,
    Segment,
    VideoPart,
    moments,
    paragraphs,
)
from builders.sources.source import (
    DatasetInfo,
    LicenceRecord,
    PublishedFile,
    Source,
    optional,
    required,
)

_URL: Final = (
    "https://raw.githubusercontent.com/LisaAnne/LocalizingMoments/"
    "17ae517f07a5cbccb9126738f0d2ce410d91468e/data/"
)
_FILES: Final = {
    "train": "train_data.json",
    "validation": "val_data.json",
    "test": "test_data.json",
}
_CHUNK_SECONDS: Final = 5.0
_SHOWN_SECONDS: Final = 30.0
"""How much of a video annotators saw: six chunks of five seconds."""

INFO: Final = DatasetInfo(
    name="didemo",
    version="1.0.0",
    pretty_name="DiDeMo",
    summary="10,464 personal videos of half a minute, a paragraph or moments each.",
    description=(
        "DiDeMo (Distinct Describable Moments) describes moments of unedited videos from Flickr, "
        "in chunks of five seconds of their first half minute. The field's retrieval joins the "
        "descriptions of a video to one paragraph, which is searched among the test videos "
        "(`--protocol paragraph`). With `--protocol segments` each moment is a clip of its own, "
        "with the descriptions that name it."
    ),
    licence=LicenceRecord(
        "cc-by-nc-sa-4.0",
        "The annotations; the videos have the Creative Commons licences of their owners, listed in "
        "video_licenses.txt of the repository.",
        "https://github.com/LisaAnne/LocalizingMoments/blob/master/data/README.md",
    ),
    homepage="https://github.com/LisaAnne/LocalizingMoments",
    citation="""\
@inproceedings{hendricks17iccv,
  title     = {Localizing Moments in Video with Natural Language},
  author    = {Hendricks, Lisa Anne and Wang, Oliver and Shechtman, Eli and Sivic, Josef and
               Darrell, Trevor and Russell, Bryan},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision (ICCV)},
  year      = {2017}
}""",
    files={name: PublishedFile(_URL + name, None) for name in _FILES.values()},
    clips_from=(
        "the videos, see https://github.com/LisaAnne/LocalizingMoments (Getting the Videos): a "
        "folder that holds them under the names of the annotations, with any extension"
    ),
    expected={"train": (8395, 8395), "validation": (1065, 1065), "test": (1004, 1004)},
    flaws=(
        "Descriptions of moments tell what sets a moment apart in its video; joined to a paragraph "
        "they come in no order of time.",
        "Work on top of Collaborative Experts trains on 8,392 of the 8,395 train videos.",
    ),
    tags=("video-text-retrieval",),
)


_SEGMENTS: Final = INFO.variant("segments")
_OUR_MOMENT: Final = (
    "The moment of a description is the one that most annotators marked, the first of equals: this "
    "choice is ours. No counts are published of these segments."
)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build didemo`."""

    annotations: Annotations = required(
        "the folder with train_data.json, val_data.json and test_data.json, or auto"
    )
    clips: Path | None = optional(None, "the folder or zip with the videos")
    protocol: Literal["paragraph", "segments"] = optional(
        "paragraph", "a video and its paragraph, or each moment as a clip"
    )


class Moment(NamedTuple):
    """One description.

    Attributes:
        video: Name of the video, with its extension on Flickr.
        segment: The moment that most annotators marked.
        description: The description, verbatim.
    """

    video: str
    segment: Segment
    description: str


def read(options: Options) -> Source:
    """Read DiDeMo.

    Args:
        options: Paths of annotations and clips, and the protocol.

    Returns:
        10,464 videos with a paragraph each, or their moments, if the files are the published ones.
    """
    folder = find_annotations(INFO, options.annotations)
    parts: list[VideoPart] = []
    for split, name in _FILES.items():
        found = read_moments(folder / name)
        if options.protocol == "paragraph":
            sentences = ((moment.video, moment.description) for moment in found)
            parts += paragraphs(split, sentences, Segment(0.0, _SHOWN_SECONDS))
        else:
            parts += moments(split, found)
    names_of = {part.video: (part.video, PurePosixPath(part.video).stem) for part in parts}
    matches = match_clips(options.clips, lambda files: find_by_any_name(files, names_of))
    clips = tuple(part.clip(matches.footage) for part in parts)
    sources = record_sources(INFO, folder)
    if options.protocol == "paragraph":
        info, notes = INFO, check_expected(INFO, sources, clips)
    else:
        info, notes = _SEGMENTS, (_OUR_MOMENT,)
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


_FORM: Final = '[{"video": "NAME.mov", "description": "...", "times": [[1, 2], [1, 1]]}]'


def read_moments(path: Path) -> list[Moment]:
    """Read one of the files.

    Args:
        path: The file.

    Returns:
        Its descriptions, in order.

    Raises:
        AnnotationError: The file has another form.
    """
    return read_json_as(
        path,
        _FORM,
        lambda entries: [
            Moment(
                text_of(entry["video"]),
                _agreed([(int(first), int(last)) for first, last in entry["times"]]),
                text_of(entry["description"]),
            )
            for entry in entries
        ],
    )


def _agreed(times: Sequence[tuple[int, int]]) -> Segment:
    """Return the moment that most annotators marked, the first of equals.

    Each marked the first and the last chunk of five seconds: (3, 3) is 15 to 20 seconds.
    """
    (first, last), _ = Counter(times).most_common(1)[0]
    return Segment(first * _CHUNK_SECONDS, (last + 1) * _CHUNK_SECONDS)
