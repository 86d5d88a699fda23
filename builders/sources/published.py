"""Published annotation files: finding or downloading them, and checking bytes and counts."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from builders.sources.archive import check_members, list_members
from builders.sources.source import Clip, DatasetInfo, SourceRecord
from dvtr_bench.errors import AnnotationError, InputError, NotFoundError
from dvtr_bench.runtime.download import cache_folder, download
from dvtr_bench.runtime.files import file_sha256, written_beside

AUTO: Final = "auto"
"""Value of `--annotations` that downloads the published files."""

Annotations = Path | Literal["auto"]


def find_annotations(info: DatasetInfo, annotations: Annotations) -> Path:
    """Find the folder with a dataset's annotation files, or download them.

    Args:
        info: The dataset, which lists its `files`.
        annotations: The folder; or its parent, if the folder has the dataset's name in any case
            (``annotations/usrd``, ``dataset/USRD``); or ``auto``.

    Returns:
        The folder with all of the files.

    Raises:
        NotFoundError: A file is missing; the message says where to get it.
        InputError: A downloaded file is not the published one.
    """
    if annotations == AUTO:
        return fetch_annotations(info)
    folder = Path(annotations)
    for candidate in candidate_folders(info, folder):
        if all((candidate / name).is_file() for name in info.files):
            return candidate
    missing = [name for name in info.files if not (folder / name).is_file()]
    raise NotFoundError(
        f"--annotations {folder}: expected {', '.join(info.files)}; missing: {', '.join(missing)}. "
        f"{_download_advice(info, missing)}\nor have them downloaded: --annotations {AUTO}"
    )


def candidate_folders(info: DatasetInfo, folder: Path) -> list[Path]:
    """Return the folders that may contain a dataset's files.

    Args:
        info: The dataset.
        folder: The folder given by the user.

    Returns:
        The folder, then its subfolders with the dataset's name in any case.
    """
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    named = [entry for entry in entries if entry.is_dir() and entry.name.lower() == info.name]
    return [folder, *named]


def fetch_annotations(info: DatasetInfo) -> Path:
    """Download a dataset's published files into the cache, each once.

    Args:
        info: The dataset, which lists its `files`.

    Returns:
        The folder with the files.

    Raises:
        NotFoundError: A file cannot be downloaded; the message lists all files and says how to
            download them manually.
        InputError: A file is not the published one.
    """
    folder = cache_folder() / info.name
    try:
        for name, file in info.files.items():
            if file.in_zip:
                archive = folder / file.url.rpartition("/")[2]
                download(file.url, archive, check=_check_zip)
                _take_member(archive, name, folder / name)
            else:
                download(file.url, folder / name, sha256=file.sha256)
    except NotFoundError as failure:
        raise NotFoundError(f"{failure}. {_download_advice(info, list(info.files))}") from failure
    return folder


def _check_zip(path: Path) -> None:
    list_members(path)


def _take_member(archive: Path, name: str, target: Path) -> None:
    """Copy the only member of that name in any folder of the zip, unless the file exists."""
    members = {path: member for path, member in list_members(archive).items() if path.name == name}
    if len(members) != 1:
        raise InputError(f"{archive}: expected one {name} in it, found {len(members)}")
    check_members(archive, members)
    (member,) = members.values()
    if target.is_file() and target.stat().st_size == member.size_bytes:
        with zipfile.ZipFile(archive) as opened:
            if zlib.crc32(target.read_bytes()) == opened.getinfo(member.name).CRC:
                return
    with written_beside(target) as beside, beside.open("wb") as file:
        member.copy_to(file)


def _download_advice(info: DatasetInfo, names: Sequence[str]) -> str:
    members_by_url: dict[str, list[str]] = {}
    for name in names:
        file = info.files[name]
        members_by_url.setdefault(file.url, []).extend([name] if file.in_zip else [])
    lines = "".join(
        f"\n  {url}" + (f" (unpack it: {', '.join(members)})" if members else "")
        for url, members in members_by_url.items()
    )
    return (
        "Download them on any machine, put them into one folder and give it with --annotations "
        f"FOLDER:{lines}"
    )


def record_sources(
    info: DatasetInfo, folder: Path, names: Sequence[str] | None = None
) -> tuple[SourceRecord, ...]:
    """Hash the annotation files and compare them with the published ones.

    Args:
        info: The dataset.
        folder: The folder with its files.
        names: The files that were read; None for all of ``info.files``.

    Returns:
        One record for each file. Whether it is the published one is None if the published hash is
        unknown.
    """
    records = []
    for name in info.files if names is None else names:
        published = info.files.get(name)
        sha256 = file_sha256(folder / name)
        expected = published.sha256 if published else None
        url = published.url if published else None
        records.append(SourceRecord(name, url, sha256, sha256 == expected if expected else None))
    return tuple(records)


def check_expected(
    info: DatasetInfo, sources: Sequence[SourceRecord], clips: Sequence[Clip]
) -> tuple[str, ...]:
    """Compare counts with the published ones.

    Args:
        info: The dataset, with its `expected` counts.
        sources: The annotation files.
        clips: The clips read from them, in the published splits.

    Returns:
        Notes for the card, if the files are not known to be the published ones.

    Raises:
        AnnotationError: The files are the published ones, but the counts differ.
    """
    videos = Counter(clip.split for clip in clips)
    captions: Counter[str] = Counter()
    for clip in clips:
        captions[clip.split] += len(clip.captions)
    counts = {split: (videos[split], captions[split]) for split in videos}
    expected = dict(info.expected)
    as_published = counts.keys() == expected.keys() and all(
        num_videos == counts[split][0] and num_captions in (None, counts[split][1])
        for split, (num_videos, num_captions) in expected.items()
    )
    same = (
        "as published"
        if as_published
        else f"{_counts_text(counts)}; published {_counts_text(expected)}"
    )
    if changed := [source.name for source in sources if source.is_published_file is False]:
        return (
            f"The annotation files {', '.join(changed)} are not the published ones (their SHA-256 "
            f"differs); videos and captions by split: {same}.",
        )
    if unknown := [source.name for source in sources if source.is_published_file is None]:
        return (
            f"No published SHA-256 is known of the annotation files {', '.join(unknown)}: what "
            f"they hold was checked by its counts alone; videos and captions by split: {same}.",
        )
    if not as_published:
        raise AnnotationError(
            f"{info.name}: expected videos and captions by split {_counts_text(expected)}, read "
            f"{_counts_text(counts)} from the published files: this is a bug of dvtr-bench, please "
            "report it"
        )
    return ()


def _counts_text(counts: Mapping[str, tuple[int, int | None]]) -> str:
    return ", ".join(
        f"{split} {videos:,}" + ("" if captions is None else f"/{captions:,}")
        for split, (videos, captions) in counts.items()
    )
