"""Cache of numbers that are computed from a split's frames.

The cache is the folder ``.measures/`` beside the dataset's folder. It is not inside the dataset,
so a push to the Hub does not upload it. A damaged file, or one of another build, is computed again:
each holds the SHA-256 of its content.
"""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from dvtr_bench.dataset.fingerprint import canonical_json, ids_sha256
from dvtr_bench.errors import InputError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.npz_file import open_npz
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.writing import say_not_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Frames
    from dvtr_bench.runtime.processes import Processes

FOLDER: Final = ".measures"

Numbers = TypeVar("Numbers")

_KEY: Final = "_key"
_SHA256: Final = "sha256"


def stored_measure(
    split: "RetrievalSplit", measure: str, compute: "Callable[[], NDArray[np.float64]]"
) -> "NDArray[np.float64]":
    """Return one number a video, from the cache if it is there.

    Args:
        split: The split. Without the attribute ``folder``, nothing is cached.
        measure: Name and version of the measure.
        compute: Computes the numbers.

    Returns:
        float64, V.
    """
    key = _key(split, measure)

    def read(path: Path) -> "NDArray[np.float64] | None":
        return _read(path, key, len(split.video_ids))

    def write(path: Path, values: "NDArray[np.float64]") -> None:
        content = {**key, "values": values.tolist()}
        content[_SHA256] = _sha256_of(content)
        path.write_text(json.dumps(content), encoding="utf-8")

    return _cached(split, measure, ".json", read, compute, write)


class FrameMeasures:
    """Computes numbers of videos while their frames are decoded for another purpose.

    Example:
        >>> measures = FrameMeasures(split, {"brightness-1": brightness})  # doctest: +SKIP
        >>> encode_split(model, split, look=measures.look, ...)  # doctest: +SKIP
        >>> measures.keep()  # doctest: +SKIP
    """

    def __init__(
        self, split: "RetrievalSplit", functions: "Mapping[str, Callable[[Frames], float]]"
    ) -> None:
        """Select the measures that are not cached yet but can be.

        Args:
            split: The split.
            functions: By name and version of the measure, a function from a video's frames to its
                number.
        """
        self._split = split
        self._functions = functions
        count = len(split.video_ids)
        self._numbers = {
            measure: np.full(count, np.nan)
            for measure in functions
            if (path := _path(split, f"{measure}.json"))
            and _read(path, _key(split, measure), count) is None
        }

    def look(self, row: int, frames: "Frames") -> None:
        """Compute the numbers of one video."""
        for measure, numbers in self._numbers.items():
            numbers[row] = self._functions[measure](frames)

    def keep(self, processes: "Processes") -> None:
        """Cache the measures for which every video was decoded.

        Args:
            processes: The processes that shared the decoding; the first one writes.
        """
        shared = processes.gathered(self._numbers)
        if not processes.is_first:
            return
        for measure, numbers in self._numbers.items():
            for other in shared:
                numbers = np.where(np.isnan(numbers), other.get(measure, np.nan), numbers)
            if not np.isnan(numbers).any():
                stored_measure(self._split, measure, partial(np.asarray, numbers))


def stored_arrays(
    split: "RetrievalSplit", measure: str, compute: "Callable[[], Mapping[str, NDArray[Any]]]"
) -> "Mapping[str, NDArray[Any]]":
    """Return arrays of any shape, from the cache if they are there.

    Args:
        split: The split. Without the attribute ``folder``, nothing is cached.
        measure: Name and version of the measure.
        compute: Computes the arrays.

    Returns:
        Arrays by name.
    """
    key = _key(split, measure)

    def read(path: Path) -> "Mapping[str, NDArray[Any]] | None":
        return _read_arrays(path, key)

    def write(path: Path, arrays: "Mapping[str, NDArray[Any]]") -> None:
        with path.open("wb") as file:
            own = np.array(_key_of_arrays(key, arrays))
            np.savez(file, allow_pickle=False, **{_KEY: own, **arrays})

    return _cached(split, measure, ".npz", read, compute, write)


def _cached(
    split: "RetrievalSplit",
    measure: str,
    suffix: str,
    read: "Callable[[Path], Numbers | None]",
    compute: "Callable[[], Numbers]",
    write: "Callable[[Path, Numbers], None]",
) -> "Numbers":
    """Read the cached numbers, or compute and cache them; a failed write is only reported."""
    path = _path(split, measure + suffix)
    if path is None:
        return compute()
    if (cached := read(path)) is not None:
        return cached
    numbers = compute()
    try:
        with written_beside(path) as beside:
            write(beside, numbers)
    except OSError as failure:
        say_not_kept(f"{measure} is", path.parent, failure)
    return numbers


def _key(split: "RetrievalSplit", measure: str) -> dict[str, str]:
    return {
        "measure": measure,
        "fingerprint": split.fingerprint,
        "split": split.name,
        "gallery_sha256": ids_sha256(split.video_ids),
    }


def _path(split: "RetrievalSplit", file_name: str) -> Path | None:
    folder: Path | None = getattr(split, "folder", None)
    if folder is None:
        return None
    folder = folder.absolute()
    build = f"{folder.name}-{split.fingerprint[:12]}"
    return folder.parent / FOLDER / build / f"{split.name}-{file_name}"


def _read(path: Path, key: dict[str, str], count: int) -> "NDArray[np.float64] | None":
    """Read a file of the cache; None if it is missing, damaged or has another key.

    Its SHA-256 stands in it: a number whose digits were damaged may still be a number.
    """
    try:
        with reading(path, "a file of measures"):
            kept: Any = json.loads(path.read_bytes())
            stated = kept.pop(_SHA256)
            whole = stated == _sha256_of(kept)
            values = np.array(kept.pop("values"), dtype=np.float64)
            whole &= kept == key and values.shape == (count,) and bool(np.isfinite(values).all())
            return values if whole else None
    except (FileNotFoundError, InputError):
        return None


def _sha256_of(content: "Mapping[str, Any]") -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _read_arrays(path: Path, key: dict[str, str]) -> "Mapping[str, NDArray[Any]] | None":
    """Read a file of the cache; None if it is missing, damaged or has another key."""
    try:
        with open_npz(path) as npz:
            stored = [npz.describe(name) for name in npz.names]
            # Nothing is compressed, so that together they take no more than the file.
            if any(npz.is_compressed(array) for array in stored):
                return None
            arrays = {array.name: npz.read(array) for array in stored}
            own = str(arrays.pop(_KEY))
            return arrays if own == _key_of_arrays(key, arrays) else None
    except (FileNotFoundError, InputError):
        return None


def _key_of_arrays(key: dict[str, str], arrays: "Mapping[str, NDArray[Any]]") -> str:
    """Return what a file of arrays says about itself: its key, and the SHA-256 of what it holds."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {arrays[name].shape}\n".encode())
        digest.update(array.tobytes())
    return json.dumps({**key, _SHA256: digest.hexdigest()})
