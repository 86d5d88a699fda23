"""The pickle-and-lists form of MSVD, USRD and UMCRD: captions as word lists, splits as id lists."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builders.annotations.id_lists import read_id_list
from builders.annotations.safe_pickle import load_pickle
from dvtr_bench.errors import AnnotationError

CAPTIONS_FILE: Final = "raw-captions.pkl"
LIST_FILES: Final = {
    "train": "train_list.txt",
    "validation": "val_list.txt",
    "test": "test_list.txt",
}


@dataclass(frozen=True)
class WordCaptions:
    """What the four files say.

    Attributes:
        captions: Captions of each id, words joined with one space, in source order.
        splits: Ids of each split, in file order.
    """

    captions: dict[str, tuple[str, ...]]
    splits: dict[str, tuple[str, ...]]


def read_word_captions(folder: Path) -> WordCaptions:
    """Read ``raw-captions.pkl`` and the three lists of a folder.

    Args:
        folder: Where the four files are.

    Returns:
        Captions and splits; every id of the lists has captions and the other way round.

    Raises:
        AnnotationError: The files contradict each other or hold something else.
        UnsafePickleError: The pickle asks for more than dict, list and str.
    """
    captions_path = folder / CAPTIONS_FILE
    captions = {
        video_id: tuple(_sentence(captions_path, video_id, words) for words in sentences)
        for video_id, sentences in _mapping(captions_path).items()
    }
    splits = {split: read_id_list(folder / name) for split, name in LIST_FILES.items()}
    split_of: dict[str, str] = {}
    for split, ids in splits.items():
        for video_id in ids:
            if video_id in split_of:
                raise AnnotationError(
                    f"{folder}: the id {video_id!r} is in the lists of both {split_of[video_id]} "
                    f"and {split}"
                )
            if video_id not in captions:
                raise AnnotationError(
                    f"{folder / LIST_FILES[split]}: the id {video_id!r} has no captions in "
                    f"{CAPTIONS_FILE}"
                )
            split_of[video_id] = split
    if unlisted := [video_id for video_id in captions if video_id not in split_of]:
        raise AnnotationError(
            f"{captions_path}: {len(unlisted)} ids are in none of the lists, such as "
            f"{unlisted[0]!r}"
        )
    return WordCaptions(captions, splits)


def _mapping(path: Path) -> dict[str, list[list[str]]]:
    value = load_pickle(path)
    if not isinstance(value, dict) or not all(isinstance(item, list) for item in value.values()):
        raise AnnotationError(f"{path}: expected a dict of video id to lists of words")
    return value


def _sentence(path: Path, video_id: str, words: object) -> str:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise AnnotationError(
            f"{path}: {video_id!r}: expected captions as lists of words, found "
            f"{type(words).__name__}"
        )
    return " ".join(words)
