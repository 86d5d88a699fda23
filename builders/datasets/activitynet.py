"""ActivityNet Captions: long web videos with sentences for their events (Krishna et al., 2017)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from builders.sources.json_file import read_json_as, seconds_of, text_of
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
from builders.sources.splits import carve_validation, check_fraction
from dvtr_bench.errors import AnnotationError

_FILES: Final = {"train": "train.json", "test": "val_1.json"}
_ZIP: Final = PublishedFile(
    "https://cs.stanford.edu/people/ranjaykrishna/densevid/captions.zip", None, in_zip=True
)

INFO: Final = DatasetInfo(
    name="activitynet",
    version="1.0.0",
    pretty_name="ActivityNet Captions",
    summary="14,926 web videos of some minutes; a sentence for each event, with its times.",
    description=(
        "ActivityNet Captions describes the events of long YouTube videos, each by a sentence with "
        "its start and end. The field's retrieval joins the sentences of a video to one paragraph, "
        "trains on `train` and tests on `val_1`, which stands here as `test` "
        "(`--protocol paragraph`). With `--protocol segments` each event is a clip of its own."
    ),
    licence=LicenceRecord(
        "unknown",
        "We found no licence stated for the annotations; the videos are YouTube's, of many owners.",
        None,
    ),
    homepage="https://cs.stanford.edu/people/ranjaykrishna/densevid/",
    citation="""\
@inproceedings{krishna2017dense,
  title     = {Dense-Captioning Events in Videos},
  author    = {Krishna, Ranjay and Hata, Kenji and Ren, Frederic and Fei-Fei, Li and
               Carlos Niebles, Juan},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision},
  pages     = {706--715},
  year      = {2017}
}
@inproceedings{caba2015activitynet,
  title     = {ActivityNet: A Large-Scale Video Benchmark for Human Activity Understanding},
  author    = {Caba Heilbron, Fabian and Escorcia, Victor and Ghanem, Bernard and
               Carlos Niebles, Juan},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {961--970},
  year      = {2015}
}""",
    files={name: _ZIP for name in _FILES.values()},
    clips_from=(
        "http://activity-net.org/download.html: a folder that holds the videos under their ids "
        "('v_uqiMw7tQ1Cc.mp4' or 'uqiMw7tQ1Cc.mp4')"
    ),
    expected={"train": (10009, 10009), "test": (4917, 4917)},
    flaws=(
        "No test captions are published: the field chooses its checkpoints on the videos that it "
        "tests on. `--validation-fraction 0.1` carves a validation split out of train.",
        "Many of the videos are no longer on YouTube; work on fewer videos is not comparable.",
        "Times reach over the end of some videos; a segment ends with its video.",
    ),
    tags=("video-text-retrieval",),
)
_SEGMENTS: Final = INFO.variant("segments")


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build activitynet`.

    Raises:
        ConfigError: The fraction is not below 1.
    """

    annotations: Annotations = required("the folder with train.json and val_1.json, or auto")
    clips: Path | None = optional(None, "the folder or zip with the videos, named after their ids")
    protocol: Literal["paragraph", "segments"] = optional(
        "paragraph", "a video and its paragraph, or each event as a clip"
    )
    validation_fraction: float = optional(0.0, "the share of train that becomes validation")

    def __post_init__(self) -> None:
        """Check the fraction."""
        check_fraction(self.validation_fraction)


class Event(NamedTuple):
    """One sentence.

    Attributes:
        video: Id of the video, such as ``v_uqiMw7tQ1Cc``.
        segment: Its times.
        sentence: The sentence, verbatim.
    """

    video: str
    segment: Segment
    sentence: str


def read(options: Options) -> Source:
    """Read ActivityNet Captions.

    Args:
        options: Paths of annotations and clips, the protocol and the validation fraction.

    Returns:
        14,926 videos with a paragraph each, or their events, if the files are the published ones.
    """
    folder = find_annotations(INFO, options.annotations)
    parts: list[VideoPart] = []
    for split, name in _FILES.items():
        events = read_events(folder / name)
        if options.protocol == "paragraph":
            parts += paragraphs(split, ((event.video, event.sentence) for event in events))
        else:
            parts += moments(split, events)
    if both := _videos(parts, "train") & _videos(parts, "test"):
        raise AnnotationError(
            f"{folder}: {len(both)} videos are in both train.json and val_1.json, such as "
            f"{min(both)!r}"
        )
    names_of = {part.video: (part.video, part.video.removeprefix("v_")) for part in parts}
    matches = match_clips(options.clips, lambda files: find_by_any_name(files, names_of))
    clips = tuple(part.clip(matches.footage) for part in parts)
    sources = record_sources(INFO, folder)
    if options.protocol == "paragraph":
        info, notes = INFO, check_expected(INFO, sources, clips)
    else:
        info, notes = _SEGMENTS, ("No counts are published of these segments.",)
    carved = carve_validation(
        info, clips, options.validation_fraction, group=SOURCE_VIDEO_FIELD.name
    )
    return Source(
        info=carved.info,
        clips=carved.clips,
        sources=sources,
        extra_fields=()
        if options.protocol == "paragraph"
        else (SOURCE_VIDEO_FIELD, *SEGMENT_FIELDS),
        unused_clips=matches.unused,
        notes=(*notes, *carved.notes, *matches.notes),
        offers_clips=options.clips is not None,
        keeps_empty_captions=True,
    )


def _videos(parts: list[VideoPart], split: str) -> set[str]:
    return {part.video for part in parts if part.split == split}


_FORM: Final = (
    '{"v_uqiMw7tQ1Cc": {"duration": 55.15, "timestamps": [[0.28, 55.15]], "sentences": ["..."]}}'
)


def read_events(path: Path) -> list[Event]:
    """Read one of the files.

    Args:
        path: The file.

    Returns:
        Its sentences, video by video.

    Raises:
        AnnotationError: The file has another form.
    """
    return read_json_as(path, _FORM, _events)


def _events(videos: Mapping[str, Any]) -> list[Event]:
    return [
        Event(video, Segment(seconds_of(start), seconds_of(end)), text_of(sentence))
        for video, entry in videos.items()
        for (start, end), sentence in zip(entry["timestamps"], entry["sentences"], strict=True)
    ]
