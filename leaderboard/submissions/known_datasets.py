"""The datasets whose results may enter, by fingerprint: ``leaderboard/known_datasets.toml``."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dvtr_bench.errors import InputError
from dvtr_bench.ranking.ceilings import shared_text
from dvtr_bench.reading.json_records import Count, Percent, Positive, Sha256, Text
from dvtr_bench.reading.json_toml_text import readable_json
from leaderboard.result_files import read_toml

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dvtr_bench.dataset.reader import BuiltDataset

KNOWN_DATASETS: Final = Path(__file__).parents[1] / "known_datasets.toml"
"""The list that ships with the program."""

SPLIT: Final = "test"
"""The split whose results enter; validation is for choosing."""


@dataclass(frozen=True)
class KnownSplit:
    """What every result on the split must state.

    Attributes:
        num_videos: Videos: the gallery.
        num_captions: Captions: the queries.
        video_ids_sha256: Of the video ids in row order.
        caption_ids_sha256: Of the caption ids in row order.
        caption_videos_sha256: Of the row of each caption's video, see `caption_videos_sha256`.
        shared_captions: Captions whose text another video also has.
        ceiling: Highest expected T2V R@1, in percent, of a model that sees only the text.
    """

    num_videos: Positive
    num_captions: Positive
    video_ids_sha256: Sha256
    caption_ids_sha256: Sha256
    caption_videos_sha256: Sha256
    shared_captions: Count
    ceiling: Percent


@dataclass(frozen=True)
class KnownDataset:
    """A build of a dataset.

    Attributes:
        name: Of the dataset.
        version: Of the dataset.
        fingerprint: Of the build.
        frames: How frames were sampled, such as ``uniform:12``; ``none`` for annotations alone, on
            which scores from outside can be ranked.
        test: Its test split.
    """

    name: Text
    version: Text
    fingerprint: Sha256
    frames: Text
    test: KnownSplit


@dataclass(frozen=True)
class _KnownFile:
    """The whole file.

    Attributes:
        dataset: Its datasets.
    """

    dataset: tuple[KnownDataset, ...]


def read_known(path: Path = KNOWN_DATASETS) -> Mapping[str, KnownDataset]:
    """Read a list of known datasets.

    Args:
        path: A file in the form of ``leaderboard/known_datasets.toml``.

    Returns:
        The datasets by fingerprint.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is not TOML, a field is missing, unknown or invalid, or a fingerprint stands
            there twice.
    """
    known: dict[str, KnownDataset] = {}
    for number, dataset in enumerate(read_toml(_KnownFile, path).dataset):
        if dataset.fingerprint in known:
            raise InputError(
                f"{path}: dataset[{number}] ({dataset.name}): the fingerprint "
                f"{dataset.fingerprint[:16]} stands there twice: keep one"
            )
        known[dataset.fingerprint] = dataset
    return known


def describe_dataset(built: "BuiltDataset") -> KnownDataset:
    """Describe a dataset that stands on disk, to be added to the list.

    Args:
        built: A built dataset; verify it first (`dvtr-bench verify`).

    Returns:
        The description.

    Raises:
        NotFoundError: It has no test split.
    """
    split = built.split(SPLIT)
    record = built.manifest.splits[SPLIT]
    shared = shared_text(split.captions, split.caption_video_index)
    return KnownDataset(
        name=built.name,
        version=built.manifest.version,
        fingerprint=built.manifest.fingerprint,
        frames=split.sampling,
        test=KnownSplit(
            num_videos=record.num_videos,
            num_captions=record.num_captions,
            video_ids_sha256=record.video_ids_sha256,
            caption_ids_sha256=record.caption_ids_sha256,
            caption_videos_sha256=caption_videos_sha256(split.caption_video_index),
            shared_captions=shared.shared_captions,
            ceiling=shared.ceiling,
        ),
    )


def to_toml(dataset: KnownDataset) -> str:
    """Return a dataset as a part of ``leaderboard/known_datasets.toml``."""
    lines = ["[[dataset]]"]
    for name in ("name", "version", "fingerprint", "frames"):
        lines.append(f"{name} = {_toml_value(getattr(dataset, name))}")
    lines += ["", "[dataset.test]"]
    lines += [f"{name} = {_toml_value(value)}" for name, value in vars(dataset.test).items()]
    return "\n".join(lines) + "\n"


def caption_videos_sha256(caption_video_index: "NDArray[np.int64]") -> str:
    """Hash the row of each caption's video: decimal numbers with a line feed after each.

    Example:
        >>> import numpy as np
        >>> caption_videos_sha256(np.array([0, 0, 1]))[:8]
        '3c7da943'
    """
    text = "".join(f"{row}\n" for row in caption_video_index.tolist())
    return hashlib.sha256(text.encode()).hexdigest()


def _toml_value(value: str | float) -> str:
    # A JSON string of printable text is a TOML string too.
    return readable_json(value)
