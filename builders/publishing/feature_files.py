"""Publish features beside a dataset: a commit and a tag of their own, after the dataset's.

The bytes of a version's tag never change, so features that are added later get another one:
``v1.0.0-features-ViT-B-32-openai``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from builders.publishing.hub_repo import HubRepo, RemoteState, differences
from builders.publishing.local_files import LocalFile
from builders.sources.matching import bullets
from dvtr_bench.dataset.fingerprint import version_tag
from dvtr_bench.dataset.manifest import FEATURES_FOLDER, Manifest, size_text
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import PublishError
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes
from dvtr_bench.reports.others_text import make_console
from dvtr_bench.runtime.files import file_sha256
from dvtr_bench.runtime.terminal import count_of


@dataclass(frozen=True)
class FeaturePlan:
    """What the publication of one backbone's features comes to.

    Attributes:
        name: Name of their folder below ``features/``.
        tag: Their tag.
        files: The files, with paths of the repository.
        is_published: Whether all are published under that tag already.
    """

    name: str
    tag: str
    files: tuple[LocalFile, ...]
    is_published: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)


def read_feature_files(dataset: BuiltDataset, folder: Path) -> FeaturePlan:
    """List the files of a backbone's features after checking every byte.

    Args:
        dataset: The dataset beside which they stand.
        folder: Their folder, as `dvtr_bench.training.published_features.write_published` wrote it.

    Returns:
        The plan, before the Hub was asked.

    Raises:
        PublishError: A file is damaged, does not belong here, or is of another build.
    """
    files, problems = [], []
    for path in sorted(path for path in folder.rglob("*") if not path.name.startswith(".")):
        if path.is_symlink():
            problems.append(f"{path}: a link instead of a file")
        elif path.is_file():
            name = f"{FEATURES_FOLDER}/{path.relative_to(folder.parent).as_posix()}"
            files.append(LocalFile(name, path, path.stat().st_size, file_sha256(path)))
    hashes = {file.source: file.sha256 for file in files}
    for entry in sorted(folder.glob("*/entry.json")):
        problems += _problems(entry, dataset.manifest, hashes)
    if problems:
        raise PublishError(
            f"{folder} is not intact, so it is not published:{bullets(problems)}\nDelete the "
            "folder, and the features are computed again"
        )
    tag = f"{version_tag(dataset.manifest.version)}-features-{folder.name}"
    return FeaturePlan(folder.name, tag, tuple(files))


def send_features(
    plan: FeaturePlan, manifest: Manifest, repo: HubRepo, *, progress: bool = True
) -> FeaturePlan:
    """Publish features beside the dataset, whose version is published already.

    Args:
        plan: As `read_feature_files` returned it.
        manifest: Of the dataset.
        repo: The repository.
        progress: Show a progress bar.

    Returns:
        The plan, carried out.

    Raises:
        PublishError: The repository's main branch holds another version of the dataset, the tag has
            other features, or the upload failed.
    """
    remote = repo.state()
    if remote is None or version_tag(manifest.version) not in remote.tags:
        raise PublishError(
            f"{repo.url} lacks {version_tag(manifest.version)} of {manifest.name}: features are "
            "published after the dataset"
        )
    place = f"{FEATURES_FOLDER}/{plan.name}/"
    if plan.tag in remote.tags:
        there = {
            path: file for path, file in repo.files(plan.tag).items() if path.startswith(place)
        }
        if len(there) != len(plan.files) or differences(plan.files, there):
            raise PublishError(
                f"{repo.url} has {plan.tag} already, with other features; what is published stays "
                "as it is. Take those, or publish the dataset under a higher version"
            )
        return FeaturePlan(plan.name, plan.tag, plan.files, is_published=True)
    _require_same_version(manifest, remote, repo)
    title = f"Features of {plan.name} for {manifest.name} {manifest.version}"
    stale = [path for path in remote.files if path.startswith(place)]
    keep = {file.path for file in plan.files}
    commit = repo.send(
        plan.files,
        [path for path in stale if path not in keep],
        title=title,
        head=remote.head,
        progress=progress,
    )
    if differences(plan.files, repo.files(commit)):
        raise PublishError(
            f"{repo.url}: what arrived is not what was sent, so it got no tag. Run the same "
            "command again"
        )
    repo.tag(plan.tag, commit, title)
    return plan


def print_features(plan: FeaturePlan, repo: str, *, dry_run: bool) -> None:
    """Print what was or would be published, and how it is read.

    Args:
        plan: The plan.
        repo: ``ORG/NAME``.
        dry_run: Whether nothing was sent.
    """
    console = make_console()
    size = f"{count_of(len(plan.files), 'file')}, {size_text(plan.size_bytes)}"
    if dry_run:
        console.print(Text(f"features of {plan.name} as {plan.tag}; {size}"), soft_wrap=True)
        for file in plan.files:
            console.print(f"  {size_text(file.size_bytes):>9}  {file.path}", soft_wrap=True)
        return
    verb = "published already" if plan.is_published else "published"
    console.print(Text(f"features of {plan.name} {verb} as {plan.tag}; {size}"), soft_wrap=True)
    name = repo.partition("/")[2]
    console.print(
        Text(
            f"get them: hf download {repo} --repo-type dataset --revision {plan.tag} --local-dir "
            f"dvtr/{name}\n"
            f"use them: dvtr-bench train --model MODEL --dataset {name} --backbone BACKBONE "
            "--freeze backbone --recipe features=published"
        ),
        soft_wrap=True,
    )


def _problems(entry: Path, manifest: Manifest, hashes: Mapping[Path, str]) -> list[str]:
    """Return what is wrong with an entry: its bytes, or the build that it was made for."""
    value: Any = parse_json(read_json_bytes(entry, PublishError), str(entry), PublishError)
    try:
        if value["key"]["fingerprint"] != manifest.fingerprint:
            return [f"{entry.parent}: made for another build of {manifest.name}"]
        tensors = {entry.parent / f"{name}.npy": one for name, one in value["tensors"].items()}
        return [
            f"{path}: its bytes changed"
            for path, record in tensors.items()
            if hashes.get(path) != record["sha256"]
        ]
    except (KeyError, TypeError, AttributeError):
        return [f"{entry}: not the description of an entry"]


def _require_same_version(manifest: Manifest, remote: RemoteState, repo: HubRepo) -> None:
    published = repo.manifest(remote.head)
    if published.get("fingerprint") != manifest.fingerprint:
        raise PublishError(
            f"{repo.url} holds version {published.get('version')} of {manifest.name}, not "
            f"{manifest.version}: features are put beside the newest version alone"
        )
