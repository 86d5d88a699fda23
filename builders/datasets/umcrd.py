"""UMCRD: 4,235 drone clips captioned by a language model (arXiv 2510.15470)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builders.sources.listed_dataset import read_listed
from builders.sources.matching import find_by_stem
from builders.sources.published import Annotations
from builders.sources.source import (
    DatasetInfo,
    LicenceRecord,
    PublishedFile,
    Source,
    optional,
    required,
)

_URL: Final = (
    "https://raw.githubusercontent.com/huangjh98/ASLVT/386181c4b286a6345ccfb829d1fc6cb3251ac18d/"
    "dataset/UMCRD/"
)
_NO_CLASS: Final = "Video"
"""Prefix of ids without a class: `Video_<number>`."""

INFO: Final = DatasetInfo(
    name="umcrd",
    version="1.0.0",
    pretty_name="UMCRD",
    summary="4,235 drone clips, five captions each, written by a language model.",
    description=(
        "UMCRD is the second drone video-text dataset of the MSAM paper (arXiv 2510.15470). Its "
        "authors captioned it with a language model in two steps: five key frames gave five frame "
        "descriptions, these gave five sentences of about 20 words. Ids are `<class>_<number>`; "
        "1,863 of them are `Video_<number>` and have no class here. Class names are kept as they "
        "are, the spelling `backetball` included."
    ),
    licence=LicenceRecord("unknown", "The repository of the captions states no licence.", None),
    homepage="https://github.com/huangjh98/ASLVT",
    citation="""\
@misc{huang2025msam,
  title         = {{MSAM}: Multi-Semantic Adaptive Mining for Cross-Modal Drone Video-Text
                   Retrieval},
  author        = {Huang, Jinghao and others},
  year          = {2025},
  eprint        = {2510.15470},
  archivePrefix = {arXiv}
}""",
    files={
        "raw-captions.pkl": PublishedFile(
            _URL + "raw-captions.pkl",
            "2f04c38e276a94bf18fac94b8a180b145d26ffa31cd60019d5ac578bf2e97879",
        ),
        "train_list.txt": PublishedFile(
            _URL + "train_list.txt",
            "e08210257f324f156e8d716788a1b7ea52935c174f9908f207fc39ed4270b1fe",
        ),
        "val_list.txt": PublishedFile(
            _URL + "val_list.txt",
            "b826a358ceec326af0811a566af926a25ff49470afba3edaddee3fd55139ceb9",
        ),
        "test_list.txt": PublishedFile(
            _URL + "test_list.txt",
            "200161c214a5d8183910354f5fa4b44800ca468caae19d9923ef408e632cc9c0",
        ),
    },
    clips_from=(
        "the authors, https://github.com/huangjh98/MSAM, once they are released: name a folder "
        "that holds them under their ids ('church_1222.mp4')"
    ),
    expected={"train": (2531, 12655), "validation": (849, 4245), "test": (855, 4275)},
    flaws=(
        "The third caption of Video_291 is empty; it is kept as a query.",
        "The key frames that the captions were written from reach only the first 36% of a clip.",
        "Class prefixes hold the misspelling `backetball` and mix `Fire` and `Cycling` with names "
        "in lower case; they are kept.",
        "681 captions have over 30 words; a text encoder with a shorter context cuts their end.",
    ),
    tags=("drone", "uav", "aerial", "video-text-retrieval"),
)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build umcrd`."""

    annotations: Annotations = required(
        "the folder with raw-captions.pkl and the three lists, or auto"
    )
    clips: Path | None = optional(None, "the folder or zip with the clips, named after their ids")


def read(options: Options) -> Source:
    """Read UMCRD.

    Args:
        options: Paths of annotations and clips.

    Returns:
        4,235 videos with five captions each, if the files are the published ones.
    """
    return read_listed(
        INFO,
        options.annotations,
        options.clips,
        category_of=_category,
        find_clips=find_by_stem,
    )


def _category(video_id: str) -> str | None:
    prefix = video_id.rpartition("_")[0]
    return None if prefix == _NO_CLASS else prefix
