"""USRD: ERA's clips with five captions each, split again 70/20/10 (arXiv 2510.15470)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from builders.sources.clips import ClipFiles
from builders.sources.era_clips import category_of, find_era_clips, parse_usrd_name
from builders.sources.listed_dataset import read_listed
from builders.sources.published import Annotations
from builders.sources.source import (
    DatasetInfo,
    LicenceRecord,
    Origin,
    PublishedFile,
    Source,
    optional,
    required,
)

_URL: Final = (
    "https://raw.githubusercontent.com/huangjh98/ASLVT/386181c4b286a6345ccfb829d1fc6cb3251ac18d/"
    "dataset/USRD/"
)

INFO: Final = DatasetInfo(
    name="usrd",
    version="1.0.0",
    pretty_name="USRD",
    summary="2,864 aerial clips of 25 kinds of events, five captions each.",
    description=(
        "USRD is the UAV video-text retrieval dataset of the MSAM paper (arXiv 2510.15470). Its "
        "clips are those of ERA (Event Recognition in Aerial videos, arXiv 2001.11394): 5 seconds "
        "each, 24 frames a second, 640x640 pixels, collected from YouTube. ERA's two folders were "
        "merged and split again 70/20/10. Ids are kept verbatim: an id that ends in ' 1' is the "
        "clip of that name in ERA's Tra folder, one that ends in ' ' the clip in its Test folder."
    ),
    licence=LicenceRecord(
        "unknown",
        "Neither the repository of the captions nor ERA's page states a licence.",
        None,
    ),
    homepage="https://github.com/huangjh98/ASLVT",
    citation="""\
@misc{huang2025msam,
  title         = {{MSAM}: Multi-Semantic Adaptive Mining for Cross-Modal Drone Video-Text
                   Retrieval},
  author        = {Huang, Jinghao and others},
  year          = {2025},
  eprint        = {2510.15470},
  archivePrefix = {arXiv}
}
@article{mou2020era,
  title   = {{ERA}: A Data Set and Deep Learning Benchmark for Event Recognition in Aerial Videos},
  author  = {Mou, Lichao and Hua, Yuansheng and Jin, Pu and Zhu, Xiao Xiang},
  journal = {IEEE Geoscience and Remote Sensing Magazine},
  volume  = {8},
  number  = {4},
  pages   = {125--133},
  year    = {2020},
  note    = {arXiv:2001.11394}
}""",
    files={
        "raw-captions.pkl": PublishedFile(
            _URL + "raw-captions.pkl",
            "e5bc31c697c4ab8358f7532cf99ed654511e58d3e9d5c3f4595ca71ace09f18b",
        ),
        "train_list.txt": PublishedFile(
            _URL + "train_list.txt",
            "a98229e454096cc264beb9fe1930894fa35282cfeff8eec26737488006e4cb50",
        ),
        "val_list.txt": PublishedFile(
            _URL + "val_list.txt",
            "e46b47ee7889806431a148aac5d62c87a210b87c65ede3afcbcebb7ab6674841",
        ),
        "test_list.txt": PublishedFile(
            _URL + "test_list.txt",
            "5727ac99213334a8905c4981cdea0c2fdbdff5d4b32c79555f1c00fe9d670c79",
        ),
    },
    clips_from=(
        "ERA, https://lcmou.github.io/ERA_Dataset: name its folder, or one that holds the clips "
        "under USRD's ids ('Baseball_008 1.mp4')"
    ),
    expected={"train": (1995, 9975), "validation": (573, 2865), "test": (296, 1480)},
    flaws=(
        "141 of the 296 test clips are in CapERA's train split and 155 in its test split: a model "
        "trained on CapERA has seen test clips of USRD, and the other way round.",
        "Many captions are shared by several clips, and captions of the test split occur word for "
        "word in train.",
        "Captions describe what a person saw in one frame as often as what happens.",
        "Three captions end in the full-width stop U+3002; they are kept.",
    ),
    tags=("drone", "uav", "aerial", "video-text-retrieval"),
)


def _era_name(video_id: str) -> str | None:
    key = parse_usrd_name(video_id)
    return f"{key.part}/{key.name}" if key else None


ORIGIN: Final = Origin("ERA", _era_name)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build usrd`."""

    annotations: Annotations = required(
        "the folder with raw-captions.pkl and the three lists, or auto"
    )
    clips: Path | None = optional(None, "the folder or zip with ERA's clips")


def read(options: Options) -> Source:
    """Read USRD.

    Args:
        options: Paths of annotations and clips.

    Returns:
        2,864 videos with five captions each, if the files are the published ones.
    """
    return read_listed(
        INFO,
        options.annotations,
        options.clips,
        category_of=category_of,
        find_clips=_find_clips,
    )


def _find_clips(
    folder: ClipFiles, video_ids: Sequence[str]
) -> Mapping[str, Sequence[PurePosixPath]]:
    era_clips = find_era_clips(folder)
    keys = {video_id: parse_usrd_name(video_id) for video_id in video_ids}
    return {video_id: era_clips.get(key, []) if key else [] for video_id, key in keys.items()}
