"""Datasets of a caption pickle and three id lists: USRD, UMCRD and MSVD."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from builders.sources.clips import ClipFiles
from builders.sources.matching import match_clips
from builders.sources.published import Annotations, check_expected, find_annotations, record_sources
from builders.sources.safe_pickle import load_pickle
from builders.sources.source import Clip, DatasetInfo, Source
from builders.sources.text_file import read_text
from dvtr_bench.errors import AnnotationError

FindClips = Callable[[ClipFiles, Sequence[str]], Mapping[str, Sequence[PurePosixPath]]]


def read_listed(
    info: DatasetInfo,
    annotations: Annotations,
    clips: Path | None,
    *,
    category_of: Callable[[str], str | None] = lambda video_id: None,
    find_clips: FindClips,
) -> Source:
    """Read a dataset of ``raw-captions.pkl`` and three lists of ids.

    Args:
        info: The dataset.
        annotations: The folder with the four files, or ``auto``.
        clips: The folder or zip with the clips; None for annotations only.
        category_of: Returns the category of an id; None by default.
        find_clips: Takes the clips and all ids; returns the files of each id.

    Returns:
        The source, its rows in the order of the lists.
    """
    folder = find_annotations(info, annotations)
    words = read_word_captions(folder)
    split_of = {video_id: split for split, ids in words.splits.items() for video_id in ids}
    matches = match_clips(clips, lambda files: find_clips(files, list(split_of)))
    rows = tuple(
        Clip(
            video_id=video_id,
            captions=words.captions[video_id],
            split=split,
            footage=matches.footage.get(video_id),
            category=category_of(video_id),
        )
        for video_id, split in split_of.items()
    )
    sources = record_sources(info, folder)
    return Source(
        info=info,
        clips=rows,
        sources=sources,
        unused_clips=matches.unused,
        notes=(*check_expected(info, sources, rows), *matches.notes),
        offers_clips=clips is not None,
        keeps_empty_captions=True,
    )


def read_id_list(path: Path) -> tuple[str, ...]:
    r"""Read a list of ids, one a line.

    Args:
        path: The file.

    Returns:
        Ids verbatim, in file order: ``'Baseball_010 '`` keeps its space.

    Raises:
        AnnotationError: A line is empty, or an id occurs twice.
    """
    # Not splitlines(), which also splits at form feeds and at Unicode's line separators.
    lines = read_text(path).replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line:
            raise AnnotationError(f"{path}, line {number}: expected an id, found an empty line")
        if line in seen:
            raise AnnotationError(
                f"{path}, line {number}: the id {line!r} is already in line {seen[line]}"
            )
        seen[line] = number
    return tuple(lines)


CAPTIONS_FILE: Final = "raw-captions.pkl"
LIST_FILES: Final = {
    "train": "train_list.txt",
    "validation": "val_list.txt",
    "test": "test_list.txt",
}


@dataclass(frozen=True)
class WordCaptions:
    """The content of the four files.

    Attributes:
        captions: Captions of each id in source order, their words joined with one space.
        splits: Ids of each split, in file order.
    """

    captions: dict[str, tuple[str, ...]]
    splits: dict[str, tuple[str, ...]]


def read_word_captions(folder: Path) -> WordCaptions:
    """Read ``raw-captions.pkl`` and the three lists of a folder.

    Args:
        folder: The folder with the four files.

    Returns:
        Captions and splits of the same ids.

    Raises:
        AnnotationError: The files contradict each other or have another form.
        UnsafePickleError: The pickle contains other types than dict, list and str.
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
            f"{captions_path}: {len(unlisted)} ids are not in any list, such as {unlisted[0]!r}"
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
