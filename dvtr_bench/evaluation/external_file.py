"""Reading of given scores or embeddings from an ``.npz`` file.

Uncompressed arrays (``np.savez``) are memory-mapped, so that a sim_matrix larger than memory can be
ranked. Pickles are never loaded.
"""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.runtime.files import file_sha256

Form: TypeAlias = Literal["sim_matrix", "embeddings"]
"""``sim_matrix``: captions x videos. ``embeddings``: one vector a caption and a video."""

_ARRAYS: Final[Mapping[Form, tuple[str, ...]]] = {
    "sim_matrix": ("sim_matrix",),
    "embeddings": ("text_embeds", "video_embeds"),
}

_IDS: Final = ("caption_ids", "video_ids")

_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError,
)  # fmt: skip
"""Exceptions of reading a file that is truncated, changed, encrypted or not a NumPy file."""


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
    fields = _read_fields(path, form)
    ids = {name: _ids(path, name, fields[name]) for name in _IDS}
    arrays = {name: _floats(path, name, fields[name]) for name in _ARRAYS[form]}
    if form == "sim_matrix":
        _require_matrix(path, arrays["sim_matrix"].shape, ids)
    else:
        _require_vectors(path, arrays, ids)
    return ExternalFile(path, form, sha256, ids["caption_ids"], ids["video_ids"], arrays)


def require_external(path: Path, form: Form) -> None:
    """Raise NotFoundError if the file does not exist."""
    if not path.is_file():
        raise NotFoundError(f"no file {path}: expected an .npz file with {_wanted(form)}")


def _wanted(form: Form) -> str:
    return ", ".join((*_ARRAYS[form], *_IDS))


def _read_fields(path: Path, form: Form) -> dict[str, NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: not an .npz file: write it with np.savez(path, ...) and the fields "
            f"{_wanted(form)}"
        )
    names = (*_ARRAYS[form], *_IDS)
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.namelist()
            if missing := [name for name in names if f"{name}.npy" not in found]:
                raise InputError(
                    f"{path}: the fields {', '.join(missing)} are missing; expected "
                    f"{_wanted(form)}, found {_named(found)}"
                )
            if (damaged := archive.testzip()) is not None:
                raise zipfile.BadZipFile(f"{damaged} does not have its checksum")
            return {name: _read_array(path, archive, name) for name in names}
    except InputError:
        raise
    except _DAMAGE as failure:
        raise InputError(f"{path}: cannot be read ({failure}): write or copy it again") from None


def _named(entries: Sequence[str]) -> str:
    return ", ".join(entry.removesuffix(".npy") for entry in entries) or "nothing"


def _read_array(path: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Memory-map an uncompressed array, or read a compressed one."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream:
        read_header = {
            (1, 0): npy.read_array_header_1_0,
            (2, 0): npy.read_array_header_2_0,
        }.get(npy.read_magic(stream))
        if read_header is None:
            raise ValueError(f"{name} is written in a form for structured arrays")
        shape, fortran_order, dtype = read_header(stream)
        header_bytes = stream.tell()
    if dtype.hasobject:
        raise InputError(
            f"{path}: {name} holds Python objects, which only a pickle can store and which are "
            f"never opened: save it as {_saved_as(name)}"
        )
    if entry.compress_type != zipfile.ZIP_STORED or 0 in shape:
        with archive.open(entry) as stream:
            array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        return array
    start = _data_start(path, entry) + header_bytes
    if header_bytes + dtype.itemsize * int(np.prod(shape)) > entry.file_size:
        raise ValueError(f"{name} is shorter than its shape {shape} says")
    order: Literal["F", "C"] = "F" if fortran_order else "C"
    return np.memmap(path, dtype, mode="r", offset=start, shape=shape, order=order)


def _data_start(path: Path, entry: zipfile.ZipInfo) -> int:
    """Return the offset of an uncompressed entry's data in the file."""
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)  # lengths of its name and its extra field
        lengths = file.read(4)
    name, extra = int.from_bytes(lengths[:2], "little"), int.from_bytes(lengths[2:], "little")
    return entry.header_offset + 30 + name + extra


def _saved_as(name: str) -> str:
    return "np.array(ids, dtype=str)" if name in _IDS else "an array of float32"


def _ids(path: Path, name: str, array: NDArray[Any]) -> tuple[str, ...]:
    if array.dtype.kind != "U" or array.ndim != 1:
        raise InputError(
            f"{path}: {name} is {array.dtype} of shape {array.shape}: expected a list of texts, "
            f"saved as {_saved_as(name)}"
        )
    ids = tuple(array.tolist())
    if len(set(ids)) < len(ids):
        rows: dict[str, int] = {}
        again = [(row, rows[one]) for row, one in enumerate(ids) if rows.setdefault(one, row) < row]
        row, first = again[0]
        raise InputError(
            f"{path}: {name} holds {len(again)} of its {len(ids)} ids twice, the first "
            f"{ids[row]!r} (rows {first} and {row}): give each id one row"
        )
    return ids


def _floats(path: Path, name: str, array: NDArray[Any]) -> NDArray[np.floating[Any]]:
    if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8) or array.ndim != 2:
        raise InputError(
            f"{path}: {name} is {array.dtype} of shape {array.shape}: expected float16, float32 or "
            "float64 with two axes"
        )
    if not array.size:
        raise InputError(f"{path}: {name} is empty, of shape {array.shape}")
    return array


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
    arrays: Mapping[str, NDArray[np.floating[Any]]],
    ids: Mapping[str, tuple[str, ...]],
) -> None:
    for name, of in zip(_ARRAYS["embeddings"], _IDS, strict=True):
        if arrays[name].shape[0] != len(ids[of]):
            raise InputError(
                f"{path}: {name} has shape {arrays[name].shape}: expected one row for each of the "
                f"{len(ids[of])} {of}"
            )
    widths = [arrays[name].shape[1] for name in _ARRAYS["embeddings"]]
    if widths[0] != widths[1]:
        raise InputError(
            f"{path}: text_embeds have {widths[0]} numbers a vector and video_embeds {widths[1]}: "
            "expected the same, a score is their inner product"
        )
