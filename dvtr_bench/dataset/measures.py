"""Numbers that are worked out from a split's frames once and kept beside the dataset.

They stand in ``.measures/`` beside the dataset's folder, not in it, so that what is pushed to the
Hub stays what was built. A file that is not whole, or belongs to another build, is made again.
"""

import json
import sys
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dvtr_bench.atomic import written_beside
from dvtr_bench.dataset.fingerprint import ids_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from dvtr_bench.dataset.split import RetrievalSplit

FOLDER: Final = ".measures"

_KEY: Final = "_key"


def stored_measure(
    split: "RetrievalSplit", measure: str, compute: "Callable[[], NDArray[np.float64]]"
) -> "NDArray[np.float64]":
    """Return one number a video, computed at most once for a build of a dataset.

    Args:
        split: The split. Without a ``folder``, as tests make them, nothing is kept.
        measure: Name and version of the numbers.
        compute: Works them out.

    Returns:
        float64, V.
    """
    path = _path(split, f"{measure}.json")
    if path is None:
        return compute()
    key = _key(split, measure)
    kept = _read(path, key, len(split.video_ids))
    if kept is not None:
        return kept
    values = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as beside:
            beside.write_text(json.dumps({**key, "values": values.tolist()}), encoding="utf-8")
    except OSError as failure:
        print(f"{measure} is not kept in {path.parent} ({failure})", file=sys.stderr)
    return values


def stored_arrays(
    split: "RetrievalSplit", measure: str, compute: "Callable[[], Mapping[str, NDArray[Any]]]"
) -> "Mapping[str, NDArray[Any]]":
    """Return numbers of any shape, computed at most once for a build of a dataset.

    Args:
        split: The split. Without a ``folder``, as tests make them, nothing is kept.
        measure: Name and version of the numbers.
        compute: Works them out.

    Returns:
        Arrays by name.
    """
    path = _path(split, f"{measure}.npz")
    if path is None:
        return compute()
    key = json.dumps(_key(split, measure))
    kept = _read_arrays(path, key)
    if kept is not None:
        return kept
    arrays = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as beside, beside.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_KEY: np.array(key), **arrays})
    except OSError as failure:
        print(f"{measure} is not kept in {path.parent} ({failure})", file=sys.stderr)
    return arrays


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
    """Return what is kept; None where nothing is, or not this, or not whole."""
    try:
        kept: Any = json.loads(path.read_text(encoding="utf-8"))
        values = np.array(kept.pop("values"), dtype=np.float64)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    whole = kept == key and values.shape == (count,) and bool(np.isfinite(values).all())
    return values if whole else None


def _read_arrays(path: Path, key: str) -> "Mapping[str, NDArray[Any]] | None":
    """Return what is kept; None where nothing is, or not this, or not whole."""
    try:
        # Opened here: NumPy leaves a file that is not whole open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
    return arrays if str(arrays.pop(_KEY, "")) == key else None
