"""Published annotation files: are they there, are they the published bytes, do the counts hold."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from builders.source import Clip, DatasetInfo, SourceRecord
from dvtr_bench.errors import AnnotationError, NotFoundError


def find_annotations(info: DatasetInfo, folder: Path) -> Path:
    """Find the folder that holds a dataset's annotation files.

    Args:
        info: The dataset; its `files` are looked for.
        folder: What the user named: the folder itself, or the one that holds it by the dataset's
            name in any case (``annotations/usrd``, ``dataset/USRD``).

    Returns:
        The folder with all of the files.

    Raises:
        NotFoundError: A file is missing; says where to get it.
    """
    named_after_it = [
        entry
        for entry in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if entry.is_dir() and entry.name.lower() == info.name
    ]
    for place in (folder, *named_after_it):
        if all((place / name).is_file() for name in info.files):
            return place
    missing = [name for name in info.files if not (folder / name).is_file()]
    urls = "".join(f"\n  {info.files[name].url}" for name in missing)
    raise NotFoundError(
        f"--annotations {folder}: expected {', '.join(info.files)}; missing: {', '.join(missing)}. "
        f"Download them there:{urls}"
    )


def record_sources(info: DatasetInfo, folder: Path) -> tuple[SourceRecord, ...]:
    """Hash the annotation files and compare them with the published ones.

    Args:
        info: The dataset.
        folder: Where its files are.

    Returns:
        One record for each file.
    """
    records = []
    for name, published in info.files.items():
        with (folder / name).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        records.append(SourceRecord(name, published.url, sha256, sha256 == published.sha256))
    return tuple(records)


def check_expected(
    info: DatasetInfo, sources: Sequence[SourceRecord], clips: Sequence[Clip]
) -> tuple[str, ...]:
    """Compare counts with the published ones.

    Args:
        info: The dataset; its `expected` counts.
        sources: The annotation files.
        clips: What was read from them, in the published splits.

    Returns:
        Notes for the card where the files are not the published ones.

    Raises:
        AnnotationError: The files are the published ones and the counts are not.
    """
    videos = Counter(clip.split for clip in clips)
    captions: Counter[str] = Counter()
    for clip in clips:
        captions[clip.split] += len(clip.captions)
    found = {split: (videos[split], captions[split]) for split in videos}
    changed = [source.name for source in sources if not source.is_published_file]
    if changed:
        same = "as published" if found == info.expected else f"{found}, published {info.expected}"
        return (
            f"The annotation files {', '.join(changed)} are not the published ones (their SHA-256 "
            f"differs); videos and captions by split: {same}.",
        )
    if found != info.expected:
        raise AnnotationError(
            f"{info.name}: expected videos and captions by split {dict(info.expected)}, read "
            f"{found} from the published files: this is a fault of dvtr-bench, please report it"
        )
    return ()
