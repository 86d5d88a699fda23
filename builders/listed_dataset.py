"""Datasets in the pickle-and-lists form: everything that USRD, UMCRD and MSVD have in common."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from builders.annotations.word_captions import read_word_captions
from builders.clips.files import ClipFiles
from builders.clips.matching import match_clips
from builders.published import Annotations, check_expected, find_annotations, record_sources
from builders.source import Clip, DatasetInfo, Source

FindClips = Callable[[ClipFiles, Sequence[str]], Mapping[str, Sequence[PurePosixPath]]]


def read_listed(
    info: DatasetInfo,
    annotations: Annotations,
    clips: Path | None,
    *,
    category_of: Callable[[str], str | None] = lambda video_id: None,
    find_clips: FindClips,
) -> Source:
    """Read a dataset of ``raw-captions.pkl`` and three lists.

    Args:
        info: The dataset.
        annotations: The folder with the four files, or ``auto``.
        clips: The folder or zip with the clips; None for annotations alone.
        category_of: An id's category; none by default.
        find_clips: The files of each id.

    Returns:
        Rows in the order of the lists.
    """
    folder = find_annotations(info, annotations)
    words = read_word_captions(folder)
    split_of = {video_id: split for split, listed in words.splits.items() for video_id in listed}
    matches = match_clips(clips, lambda found: find_clips(found, list(split_of)))
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
