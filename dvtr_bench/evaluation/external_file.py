"""Reading of given scores or embeddings from an ``.npz`` file.

Uncompressed arrays (``np.savez``) are memory-mapped, so that a sim_matrix larger than memory can be
ranked. Pickles are never loaded.
"""

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.npz_file import NpzFile, StoredArray, open_npz
from dvtr_bench.runtime.files import file_sha256

Form: TypeAlias = Literal["sim_matrix", "embeddings"]
"""``sim_matrix``: captions x videos. ``embeddings``: one vector a caption and a video."""

_ARRAYS: Final[Mapping[Form, tuple[str, ...]]] = {
    "sim_matrix": ("sim_matrix",),
    "embeddings": ("text_embeds", "video_embeds"),
}

_IDS: Final = ("caption_ids", "video_ids")

_MOST_IDS: Final = 4_000_000
_LONGEST_ID_BYTES: Final = 4 * 4096
_CHUNK_BYTES: Final = 1 << 22
_SHOWN: Final = 40


@dataclass(frozen=True, eq=False)
class ExternalFile:
    """The content of a file of scores or embeddings, in the order of the file.

    Attributes:
        path: The file.
        form: Kind of content.
        sha256: SHA-256 of the file.
        caption_ids: T ids, verbatim.
        video_ids: V ids, verbatim.
        arrays: ``sim_matrix`` (float, T x V), or ``text_embeds`` (float, T x C) and
            ``video_embeds`` (float, V x C); memory-mapped if not compressed.
    """

    path: Path
    form: Form
    sha256: str
    caption_ids: tuple[str, ...]
    video_ids: tuple[str, ...]
    arrays: Mapping[str, NDArray[np.floating[Any]]]

    def __repr__(self) -> str:
        """Show file, form and sizes."""
        return (
            f"ExternalFile({str(self.path)!r}, {self.form}, {len(self.caption_ids):,} captions, "
            f"{len(self.video_ids):,} videos)"
        )


def read_external(path: Path, form: Form) -> ExternalFile:
    """Read a file of scores or embeddings and check that its parts match.

    Args:
        path: An ``.npz`` file with ``caption_ids``, ``video_ids`` and the arrays of the form.
        form: Expected kind of content.

    Returns:
        Its content.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is not an ``.npz`` file, or a field is missing or has another type or shape.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "scores.npz"
        ...     ids = {"caption_ids": ["a#0", "b#0"], "video_ids": ["a", "b"]}
        ...     np.savez(path, sim_matrix=np.eye(2), **ids)
        ...     read_external(path, "sim_matrix").video_ids
        ('a', 'b')
    """
    require_external(path, form)
    sha256 = file_sha256(path)
    ids, arrays = _read_fields(path, form)
    return ExternalFile(path, form, sha256, ids["caption_ids"], ids["video_ids"], arrays)


def require_external(path: Path, form: Form) -> None:
    """Raise NotFoundError if the file does not exist."""
    if not path.is_file():
        raise NotFoundError(f"no file {path}: expected an .npz file with {_wanted(form)}")


def _wanted(form: Form) -> str:
    return ", ".join((*_ARRAYS[form], *_IDS))


def _read_fields(
    path: Path, form: Form
) -> tuple[dict[str, tuple[str, ...]], dict[str, NDArray[np.floating[Any]]]]:
    """Read the ids, hold the shapes that are stated against them, then take memory for arrays."""
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: not an .npz file: write it with np.savez(path, ...) and the fields "
            f"{_wanted(form)}"
        )
    with open_npz(path) as npz:
        names = (*_ARRAYS[form], *_IDS)
        if missing := [name for name in names if name not in npz.names]:
            raise InputError(
                f"{path}: the fields {', '.join(missing)} are missing; expected "
                f"{_wanted(form)}, found {_named(npz.names)}"
            )
        stored = {name: npz.describe(name) for name in names}
        for array in stored.values():
            _require_no_objects(path, array)
        ids = {name: _ids(path, npz, stored[name]) for name in _IDS}
        for name in _ARRAYS[form]:
            _require_floats(path, stored[name])
        shapes = {name: stored[name].shape for name in _ARRAYS[form]}
        if form == "sim_matrix":
            _require_matrix(path, shapes["sim_matrix"], ids)
        else:
            _require_vectors(path, shapes, ids)
        return ids, {name: _floats(path, npz, stored[name]) for name in _ARRAYS[form]}


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:_SHOWN] for name in names[:_SHOWN]) + more or "nothing"


def _require_no_objects(path: Path, array: StoredArray) -> None:
    if array.dtype.hasobject:
        raise InputError(
            f"{path}: {array.name} holds Python objects, which only a pickle can store and which "
            f"are never opened: save it as {_saved_as(array.name)}"
        )


def _saved_as(name: str) -> str:
    return "np.array(ids, dtype=str)" if name in _IDS else "an array of float32"


def _ids(path: Path, npz: NpzFile, stored: StoredArray) -> tuple[str, ...]:
    """Read ids a few at a time: one long id makes the array of all many times as large."""
    name, dtype, shape = stored.name, stored.dtype, stored.shape
    if dtype.kind != "U" or len(shape) != 1:
        raise InputError(
            f"{path}: {name} is {dtype} of shape {shape}: expected a list of texts, "
            f"saved as {_saved_as(name)}"
        )
    if shape[0] > _MOST_IDS or dtype.itemsize > _LONGEST_ID_BYTES:
        raise InputError(
            f"{path}: {name} states {shape[0]:,} ids of up to {dtype.itemsize // 4:,} letters: "
            f"expected at most {_MOST_IDS:,}, of up to {_LONGEST_ID_BYTES // 4:,} letters"
        )
    at_once = max(1, _CHUNK_BYTES // max(1, dtype.itemsize))
    ids = tuple(one for rows in npz.rows(stored, at_once) for one in rows.tolist())
    if len(set(ids)) < len(ids):
        rows: dict[str, int] = {}
        again = [(row, rows[one]) for row, one in enumerate(ids) if rows.setdefault(one, row) < row]
        row, first = again[0]
        raise InputError(
            f"{path}: {name} holds {len(again)} of its {len(ids)} ids twice, the first "
            f"{ids[row]!r} (rows {first} and {row}): give each id one row"
        )
    return ids


def _require_floats(path: Path, stored: StoredArray) -> None:
    name, dtype, shape = stored.name, stored.dtype, stored.shape
    if dtype.kind != "f" or dtype.itemsize not in (2, 4, 8) or len(shape) != 2:
        raise InputError(
            f"{path}: {name} is {dtype} of shape {shape}: expected float16, float32 or "
            "float64 with two axes"
        )
    if 0 in shape:
        raise InputError(f"{path}: {name} is empty, of shape {shape}")


def _floats(path: Path, npz: NpzFile, stored: StoredArray) -> NDArray[np.floating[Any]]:
    """Memory-map an uncompressed array, or read a compressed one."""
    if not npz.is_compressed(stored):
        return npz.map(stored)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if stored.size_bytes > memory // 2:
        raise InputError(
            f"{path}: {stored.name} takes {stored.size_bytes:,} bytes in memory, more than half of "
            f"this machine's {memory:,}: save it with np.savez, from which it is not read at once"
        )
    return npz.read(stored)


def _require_matrix(path: Path, shape: tuple[int, ...], ids: Mapping[str, tuple[str, ...]]) -> None:
    expected = (len(ids["caption_ids"]), len(ids["video_ids"]))
    if shape == expected:
        return
    hint = ". It looks transposed: save sim_matrix.T" if shape == expected[::-1] else ""
    raise InputError(
        f"{path}: sim_matrix has shape {shape}: expected {expected} (captions x videos), one row "
        f"for each of caption_ids, one column for each of video_ids{hint}"
    )


def _require_vectors(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    ids: Mapping[str, tuple[str, ...]],
) -> None:
    for name, of in zip(_ARRAYS["embeddings"], _IDS, strict=True):
        if shapes[name][0] != len(ids[of]):
            raise InputError(
                f"{path}: {name} has shape {shapes[name]}: expected one row for each of the "
                f"{len(ids[of])} {of}"
            )
    widths = [shapes[name][1] for name in _ARRAYS["embeddings"]]
    if widths[0] != widths[1]:
        raise InputError(
            f"{path}: text_embeds have {widths[0]} numbers a vector and video_embeds {widths[1]}: "
            "expected the same, a score is their inner product"
        )
