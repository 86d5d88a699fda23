"""MSVD: short YouTube clips of everyday actions, about 40 captions each (Chen and Dolan, 2011)."""

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

_ZIP: Final = PublishedFile(
    "https://github.com/ArrowLuo/CLIP4Clip/releases/download/v0.0/msvd_data.zip", None, in_zip=True
)

INFO: Final = DatasetInfo(
    name="msvd",
    version="1.0.0",
    pretty_name="MSVD",
    summary="1,970 short YouTube clips seen from the ground, about 40 captions each.",
    description=(
        "MSVD (Microsoft Research Video Description) is a set of short YouTube clips, each showing "
        "one everyday action and described by many people in one sentence each. It is seen from "
        "the ground: here it checks whether what helps on drone clips helps elsewhere. Splits and "
        "captions are those that the field's video-text retrieval uses, 1,200/100/670 videos, as "
        "CLIP4Clip's release gives them. Ids are the YouTube id with the start and the end of the "
        "clip in seconds (`-4wsuPCjDBc_5_15`)."
    ),
    licence=LicenceRecord(
        "unknown",
        "The release with the captions states no licence; the clips are parts of YouTube videos "
        "of many owners.",
        None,
    ),
    homepage="https://www.cs.utexas.edu/users/ml/clamp/videoDescription/",
    citation="""\
@inproceedings{chen2011collecting,
  title        = {Collecting Highly Parallel Data for Paraphrase Evaluation},
  author       = {Chen, David L. and Dolan, William B.},
  booktitle    = {Proceedings of the 49th Annual Meeting of the Association for Computational
                  Linguistics: Human Language Technologies},
  pages        = {190--200},
  year         = {2011},
  organization = {Association for Computational Linguistics}
}""",
    files={
        name: _ZIP
        for name in ("raw-captions.pkl", "train_list.txt", "val_list.txt", "test_list.txt")
    },
    clips_from=(
        "YouTubeClips.tar of https://www.cs.utexas.edu/users/ml/clamp/videoDescription/: unpack it "
        "and name the folder, or one that holds the clips under their ids ('-4wsuPCjDBc_5_15.avi')"
    ),
    expected={"train": (1200, None), "validation": (100, None), "test": (670, None)},
    flaws=(
        "Ids that differ in their times alone are parts of one YouTube video; they may stand in "
        "different splits.",
        "Some captions say nothing of the clip ('nothing on video', 'disable by request').",
        "Captions are kept as words joined by one space; an empty word gives two spaces.",
    ),
    tags=("video-text-retrieval",),
)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build msvd`."""

    annotations: Annotations = required(
        "the folder with raw-captions.pkl and the three lists, or auto"
    )
    clips: Path | None = optional(None, "the folder or zip with the clips, named after their ids")


def read(options: Options) -> Source:
    """Read MSVD.

    Args:
        options: Paths of annotations and clips.

    Returns:
        1,970 videos with all captions, if the files are the published ones.
    """
    return read_listed(INFO, options.annotations, options.clips, find_clips=find_by_stem)
