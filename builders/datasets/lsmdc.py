"""LSMDC: clips of movies with their audio descriptions (Rohrbach et al., CVPR 2015 and 2017)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from builders.sources.matching import find_by_stem, match_clips
from builders.sources.published import (
    AUTO,
    Annotations,
    check_expected,
    find_annotations,
    record_sources,
)
from builders.sources.source import (
    Clip,
    DatasetInfo,
    LicenceRecord,
    PublishedFile,
    Source,
    optional,
    required,
)
from builders.sources.text_file import read_text
from dvtr_bench.errors import AnnotationError, ConfigError

_URL: Final = "http://datasets.d2.mpi-inf.mpg.de/movieDescription/protected/lsmdc2016/"
_PERMISSION: Final = "https://sites.google.com/site/describingmovies/download"
_FILES: Final = {
    "train": "LSMDC16_annos_training.csv",
    "validation": "LSMDC16_annos_val.csv",
    "test": "LSMDC16_challenge_1000_publictect.csv",
}
_COLUMNS: Final = "clip, start and end (aligned), start and end (extracted), sentence".split(", ")
_NUM_CELLS: Final = 6

INFO: Final = DatasetInfo(
    name="lsmdc",
    version="1.0.0",
    pretty_name="LSMDC",
    summary="Over 100,000 short clips of movies with their audio descriptions; 1,000 to test.",
    description=(
        "The Large Scale Movie Description Challenge cut movies into clips of some seconds, each "
        "with what an audio description or the script says of it. Files and splits are those of "
        "2016, as the field's retrieval uses them: the 1,000 clips of the challenge's public test "
        "list are the test split."
    ),
    licence=LicenceRecord(
        "unknown",
        "MPI Informatik gives the files and the clips to those who ask for permission; they may "
        "not be passed on.",
        _PERMISSION,
    ),
    homepage="https://sites.google.com/site/describingmovies/",
    citation="""\
@article{rohrbach2017movie,
  title   = {Movie Description},
  author  = {Rohrbach, Anna and Torabi, Atousa and Rohrbach, Marcus and Tandon, Niket and
             Pal, Christopher and Larochelle, Hugo and Courville, Aaron and Schiele, Bernt},
  journal = {International Journal of Computer Vision},
  year    = {2017}
}
@inproceedings{rohrbach2015dataset,
  title     = {A Dataset for Movie Description},
  author    = {Rohrbach, Anna and Rohrbach, Marcus and Tandon, Niket and Schiele, Bernt},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition},
  pages     = {3202--3212},
  year      = {2015}
}""",
    files={name: PublishedFile(_URL + name, None) for name in _FILES.values()},
    clips_from=(
        f"MPI Informatik, on permission ({_PERMISSION}): a folder that holds the clips under their "
        "ids, in the folders of their movies or not"
    ),
    expected={"train": (101_079, None), "test": (1_000, 1_000)},
    flaws=(
        "A clip may have several sentences, and the published number of train clips may count "
        "sentences; of the validation clips we found no number published.",
        "The sentences say what a blind listener needs, not what tells clips apart.",
    ),
    tags=("video-text-retrieval",),
)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build lsmdc`.

    Raises:
        ConfigError: The annotations are to be fetched, which needs a password.
    """

    annotations: Annotations = required(
        "the folder with LSMDC16_annos_training.csv, LSMDC16_annos_val.csv and "
        "LSMDC16_challenge_1000_publictect.csv"
    )
    clips: Path | None = optional(None, "the folder or zip with the clips, named after their ids")

    def __post_init__(self) -> None:
        """Refuse what cannot be fetched."""
        if self.annotations == AUTO:
            raise ConfigError(
                f"--annotations {AUTO}: LSMDC's files are behind a password that MPI Informatik "
                f"gives to those who ask for permission: {_PERMISSION}. Download "
                f"{', '.join(_FILES.values())} with it and name their folder"
            )


def read(options: Options) -> Source:
    """Read LSMDC.

    Args:
        options: Paths of annotations and clips.

    Returns:
        One clip for each id, with all its sentences.

    Raises:
        AnnotationError: A file has another form, or a clip is in two of them.
    """
    folder = find_annotations(INFO, options.annotations)
    split_of: dict[str, str] = {}
    sentences: dict[str, list[str]] = {}
    for split, name in _FILES.items():
        for clip_id, sentence in read_sentences(folder / name):
            if split_of.setdefault(clip_id, split) != split:
                raise AnnotationError(
                    f"{folder / name}: the clip {clip_id!r} is also in {_FILES[split_of[clip_id]]}"
                )
            sentences.setdefault(clip_id, []).append(sentence)
    matches = match_clips(options.clips, lambda files: find_by_stem(files, list(split_of)))
    clips = tuple(
        Clip(
            video_id=clip_id,
            captions=tuple(sentences[clip_id]),
            split=split,
            footage=matches.footage.get(clip_id),
            extra={"movie": movie_of(clip_id)},
        )
        for clip_id, split in split_of.items()
    )
    sources = record_sources(INFO, folder)
    return Source(
        info=INFO,
        clips=clips,
        sources=sources,
        extra_fields=(pa.field("movie", pa.string()),),
        unused_clips=matches.unused,
        notes=(*check_expected(INFO, sources, clips), *matches.notes),
        offers_clips=options.clips is not None,
        keeps_empty_captions=True,
    )


def read_sentences(path: Path) -> list[tuple[str, str]]:
    """Read one of the files: six cells a line, between tabs, without a header.

    Args:
        path: The file.

    Returns:
        Clip id and sentence of each line, verbatim.

    Raises:
        AnnotationError: A line has another form.
    """
    found = []
    for number, line in enumerate(read_text(path).replace("\r\n", "\n").split("\n"), start=1):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) != _NUM_CELLS:
            raise AnnotationError(
                f"{path}, line {number}: expected {_NUM_CELLS} cells between tabs "
                f"({', '.join(_COLUMNS)}), found {len(cells)}"
            )
        found.append((cells[0].strip(), cells[-1].strip()))
    return found


def movie_of(clip_id: str) -> str:
    """Return the movie of a clip, which its id begins with.

    Example:
        >>> movie_of("0001_American_Beauty_00.00.51.926-00.00.54.129")
        '0001_American_Beauty'
    """
    return clip_id.rpartition("_")[0] or clip_id
