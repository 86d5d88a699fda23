"""Features published beside a dataset: what a lab without a GPU trains heads from.

They are the outputs of frozen towers for the train and validation splits, in
``features/<backbone>/`` of the dataset's folder. They are not part of the dataset: neither its
manifest nor its fingerprint names them. Test splits are left out on purpose, since a result must
come from the frames themselves: `dvtr-bench evaluate` always encodes those.

The key of an entry is that of the local cache without device, libraries and batch, which change
the last bits alone; ``features.json`` states them.
"""

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from dvtr_bench.dataset.fingerprint import canonical_json
from dvtr_bench.dataset.manifest import FEATURES_FOLDER
from dvtr_bench.dataset.parquet_split import DatasetSplit
from dvtr_bench.errors import ConfigError, InputError
from dvtr_bench.features.encode import select_rows
from dvtr_bench.features.store import ENTRY_FILE, EntryWriter, read_entry
from dvtr_bench.models.entry import model_entry
from dvtr_bench.models.listing import list_models
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes
from dvtr_bench.runtime.checkpoint import new_model, write_json
from dvtr_bench.runtime.environment import library_versions
from dvtr_bench.runtime.writing import writing
from dvtr_bench.training.towers import tower_features, tower_key

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.dataset.split import RetrievalSplit
    from dvtr_bench.models.retriever import Features, Side
    from dvtr_bench.models.trainable import Trainable

ABOUT_FILE: Final = "features.json"
FORMAT_VERSION: Final = 1
SPLITS: Final = ("train", "validation")

_SIDES: Final[tuple["Side", ...]] = ("texts", "videos")
_ROWS: Final = 1024
"""Rows that are written at a time."""

_MADE_WITH: Final = frozenset({"device"})
"""Parts of a model's feature key that change the last bits alone."""


@dataclass(frozen=True)
class PublishedFeatures:
    """Features of one backbone, ready to be published.

    Attributes:
        name: Name of their folder below ``features/``.
        folder: The folder.
        models: Models whose heads can be trained from them.
        size_bytes: Bytes of all files.
    """

    name: str
    folder: Path
    models: tuple[str, ...]
    size_bytes: int


def write_published(
    built: "BuiltDataset",
    backbone: str,
    models: Sequence[str] = (),
    *,
    device: str = "cpu",
    show_progress: bool = True,
) -> PublishedFeatures:
    """Compute the features of a backbone and write them into a dataset's folder.

    Entries that are there already and whole are kept, so that a stopped run goes on.

    Args:
        built: The dataset, with frames.
        backbone: As for `dvtr_bench.train`.
        models: Models whose heads shall be trained; by default all that take such a backbone. Those
            that read words need about 30 times the space of those that read whole captions.
        device: Such as ``cuda``.
        show_progress: Whether to show progress bars.

    Returns:
        What was written.

    Raises:
        InputError: The dataset has no frames, or neither a train nor a validation split.
        ConfigError: A model is not trained, or has no backbone.
        NotFoundError: No such model, or the backbone's weights cannot be found.
    """
    splits = [built.split(name) for name in SPLITS if name in built.manifest.splits]
    if built.manifest.frames is None or not splits:
        raise InputError(
            f"{built.folder}: features are made of the frames of {' and '.join(SPLITS)}, and it "
            "has none"
        )
    keys = tuple(models) or _trained_models()
    name = re.sub(r"[^A-Za-z0-9.]+", "-", backbone).strip("-.")
    folder = built.folder / FEATURES_FOLDER / name
    with writing(folder, "--root"):
        folder.mkdir(parents=True, exist_ok=True)
    for key in keys:
        model = new_model(_with_backbone(key), {"backbone": backbone}, seed=0)
        model.to(torch.device(device))
        for split in splits:
            for side in _SIDES:
                entry_key = _key(model, split, side)
                entry = folder / _entry_name(entry_key)
                if not _is_whole(entry, entry_key):
                    count = len(split.captions if side == "texts" else split.video_ids)
                    features = tower_features(model, split, side, show_progress=show_progress)
                    _write(entry, entry_key, features, count)
    write_json(folder / ABOUT_FILE, _about(built, backbone, keys, device))
    size_bytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return PublishedFeatures(name, folder, keys, size_bytes)


def read_published(model: "Trainable", split: "RetrievalSplit", side: "Side") -> "Features":
    """Read what was published of one side of a split for a towers; every byte is checked.

    Args:
        model: The model.
        split: The split.
        side: ``texts`` or ``videos``.

    Returns:
        The features, mapped into memory.

    Raises:
        InputError: None of them fit; the message says what there is and what differs.
    """
    if not isinstance(split, DatasetSplit):
        raise InputError("published features stand beside a built dataset, and this split is none")
    key = _key(model, split, side)
    place = split.folder / FEATURES_FOLDER
    for folder in sorted(path for path in place.glob("*") if path.is_dir()):
        if (stored := read_entry(folder / _entry_name(key), key)) is not None:
            return stored.features
    raise InputError(
        f"{place}: no features of {split.name} {side} that fit. {_what_differs(place, key)}Compute "
        "them from the frames: leave features=published out"
    )


def _trained_models() -> tuple[str, ...]:
    listed = [model.name for model in list_models() if model.trainable]
    return tuple(name for name in listed if "backbone" in _settings(name))


def _settings(name: str) -> Mapping[str, Any]:
    config = getattr(model_entry(name).module, "Config", None)
    return getattr(config, "__dataclass_fields__", {})


def _with_backbone(name: str) -> str:
    entry = model_entry(name)
    if not entry.trainable or "backbone" not in _settings(name):
        raise ConfigError(
            f"{entry.key} takes no features: expected models that are trained on a backbone, such "
            f"as {', '.join(_trained_models()[:3])}"
        )
    return entry.key


def _key(model: "Trainable", split: DatasetSplit, side: "Side") -> dict[str, Any]:
    stated = tower_key(model, split, side)
    towers = {name: value for name, value in stated.items() if name not in _MADE_WITH}
    key = {
        "dataset": split.dataset_name,
        "fingerprint": split.fingerprint,
        "split": split.name,
        "side": side,
        "model": towers,
    }
    read: dict[str, Any] = parse_json(canonical_json(key), "a key")
    return read


def _entry_name(key: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(canonical_json(dict(key))).hexdigest()
    return f"{key['split']}-{key['side']}-{digest[:16]}"


def _is_whole(folder: Path, key: Mapping[str, Any]) -> bool:
    try:
        return read_entry(folder, key) is not None
    except InputError:
        return False


def _write(folder: Path, key: Mapping[str, Any], features: "Features", count: int) -> None:
    with writing(folder, "--root"):
        shutil.rmtree(folder, ignore_errors=True)
        with EntryWriter(folder, key, count) as writer:
            for start in range(writer.rows, count, _ROWS):
                rows = slice(start, min(start + _ROWS, count))
                writer.add(select_rows(features, rows), most_frames=0)  # which training never asks
            writer.finish()


def _about(
    built: "BuiltDataset", backbone: str, models: Sequence[str], device: str
) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "dataset": built.name,
        "version": built.manifest.version,
        "fingerprint": built.manifest.fingerprint,
        "backbone": backbone,
        "models": list(models),
        "made_with": {"device": device.partition(":")[0], **library_versions()},
    }


def _what_differs(place: Path, key: Mapping[str, Any]) -> str:
    """Say what there is in place of the features that were asked for."""
    found = []
    for path in sorted(place.glob(f"*/{key['split']}-{key['side']}-*/{ENTRY_FILE}")):
        entry = parse_json(read_json_bytes(path), str(path))
        stated = entry.get("key") if isinstance(entry, dict) else None
        if isinstance(stated, dict):
            found.append(f"{path.parent.parent.name} ({_first_difference(stated, key)})")
    if not found:
        names = sorted(path.name for path in place.glob("*") if path.is_dir())
        return (
            f"There are {', '.join(names)}, without this split. " if names else "There are none. "
        )
    return f"There are {'; '.join(dict.fromkeys(found))}. "


def _first_difference(stated: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    for name in ("dataset", "fingerprint"):
        if stated.get(name) != wanted[name]:
            return f"of {name} {str(stated.get(name))[:12]}, here {str(wanted[name])[:12]}"
    there, here = stated.get("model"), wanted["model"]
    there = there if isinstance(there, dict) else {}
    for name in [*here, *there]:
        if there.get(name) != here.get(name):
            return f"{name} {str(there.get(name))[:40]}, here {str(here.get(name))[:40]}"
    return "another entry"
