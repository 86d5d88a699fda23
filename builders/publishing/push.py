"""Publish a built dataset: check, plan, upload, tag and verify."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.text import Text

from builders.publishing.annotations_only import strip_frames
from builders.publishing.eval_file import EVAL_NAME, write_eval_file
from builders.publishing.hub_repo import HubRepo, RemoteFile, RemoteState, differences
from builders.publishing.local_files import (
    LocalFile,
    belongs_to_dataset,
    read_local_files,
)
from builders.sources.matching import bullets
from dvtr_bench.dataset.fingerprint import release, version_tag
from dvtr_bench.dataset.manifest import FINGERPRINT_SHOWN, MANIFEST_NAME, Manifest, size_text
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import HubUnreachableError, InputError, PublishError
from dvtr_bench.reports.others_text import make_console
from dvtr_bench.reports.thumbnails import may_be_shown
from dvtr_bench.runtime.files import temporary_folder
from dvtr_bench.runtime.terminal import count_of

_PUT_BY_THE_HUB = {".gitattributes", "README.md"}


@dataclass(frozen=True)
class PushSettings:
    """Settings of a push.

    Attributes:
        repo: ``ORG/NAME`` on the Hub.
        private: Whether to make the repository private.
        annotations_only: Publish captions, splits and qrels, no frames.
        with_frames: The user confirms the right to publish frames of footage without a licence.
        dry_run: Show what would be done without uploading.
        progress: Show progress bars.
    """

    repo: str
    private: bool = False
    annotations_only: bool = False
    with_frames: bool = False
    dry_run: bool = False
    progress: bool = True


@dataclass(frozen=True)
class PushPlan:
    """The plan of a push.

    Attributes:
        manifest: Manifest of the dataset to publish.
        url: The repository's page.
        tag: Tag of the version.
        files: The files to publish.
        stale: Paths of the main branch to delete.
        remote: The repository; None if there is none yet.
        is_published: Whether everything is already published under this tag.
        unseen: Why the Hub was not reachable in a dry run; empty if it was.
    """

    manifest: Manifest
    url: str
    tag: str
    files: tuple[LocalFile, ...]
    stale: tuple[str, ...]
    remote: RemoteState | None
    is_published: bool
    unseen: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)


def check_licence(manifest: Manifest, settings: PushSettings) -> None:
    """Raise if frames or clips would be published without a licence or the user's confirmation.

    Users decide about frames of their own footage (none of whose annotation files is published
    elsewhere); clips need a named licence, as pictures on a site do. A private repository publishes
    nothing.

    Args:
        manifest: The dataset.
        settings: Settings of the push.

    Raises:
        InputError: Neither the licence nor the user allows it.
    """
    if settings.private or settings.annotations_only:
        return
    if manifest.keeps_clips and not may_be_shown(manifest.licence):
        raise InputError(
            f"{manifest.name} keeps its clips, and no named licence allows to publish them (found "
            f"{manifest.licence.id!r}). {manifest.licence.statement} Build it without --keep-clips "
            "and push frames alone, name the licence of your own footage (folder: --licence), "
            "publish captions, splits and qrels alone with --annotations-only, or keep it to "
            "yourselves with --private"
        )
    if manifest.frames is None or manifest.licence.id != "unknown":
        return
    is_of_others = any(source.url is not None for source in manifest.sources)
    if is_of_others and not settings.with_frames:
        raise InputError(
            f"{manifest.name} holds frames of others' footage, and no licence allows to publish "
            f"them. {manifest.licence.statement} Publish captions, splits and qrels alone with "
            "--annotations-only, keep it to yourselves with --private, or, if you were given "
            "leave, say so with --with-frames"
        )


def push(
    dataset: BuiltDataset, settings: PushSettings, announce: Callable[[PushPlan], None]
) -> PushPlan:
    """Publish a dataset under the tag of its version.

    Args:
        dataset: The built dataset.
        settings: Repository and options.
        announce: Called with the plan before the upload.

    Returns:
        The plan, carried out unless `dry_run`.

    Raises:
        InputError: The licence or the version does not allow it.
        PublishError: Files were changed, the version is published with other bytes, or the upload
            failed.
    """
    repo = HubRepo(_checked(settings.repo))
    with (
        _chosen(dataset, settings) as chosen,
        temporary_folder() as scratch,
    ):
        if not settings.dry_run:
            repo.check_token()
        files = read_local_files(chosen, progress=settings.progress)
        if (eval_file := write_eval_file(chosen.manifest, scratch)) is not None:
            files = (*files, eval_file)
        try:
            plan = make_plan(chosen.manifest, files, repo, private=settings.private)
        except HubUnreachableError as failure:
            if not settings.dry_run:
                raise
            tag = version_tag(chosen.manifest.version)
            plan = PushPlan(
                *(chosen.manifest, repo.url, tag, tuple(files), (), None),
                is_published=False,
                unseen=str(failure).partition(". ")[0],
            )
        announce(plan)
        if not (plan.is_published or settings.dry_run):
            _send(plan, repo, settings)
        return plan


def make_plan(
    manifest: Manifest, files: Sequence[LocalFile], repo: HubRepo, *, private: bool
) -> PushPlan:
    """Compare the repository with the dataset and make a plan.

    Args:
        manifest: Manifest of the dataset.
        files: Its files.
        repo: The repository.
        private: Whether the user wants the repository private.

    Returns:
        The plan.

    Raises:
        PublishError: The version is published with other bytes, a later one is, or the repository
            holds something else.
    """
    tag = version_tag(manifest.version)
    remote = repo.state()
    stale: Iterable[str] = ()
    if remote is not None:
        if private and not remote.is_private:
            raise PublishError(
                f"{repo.url} is there and is public: make it private in its settings, or leave "
                "--private out"
            )
        if tag in remote.tags:
            _compare(manifest, files, repo, tag)
            return PushPlan(manifest, repo.url, tag, tuple(files), (), remote, is_published=True)
        _check_other_content(manifest, remote, repo)
        # Features of an earlier version do not fit this one.
        stale = (remote.dataset_paths | remote.feature_paths) - {file.path for file in files}
    gone = tuple(sorted(stale))
    return PushPlan(manifest, repo.url, tag, tuple(files), gone, remote, is_published=False)


@contextmanager
def _chosen(dataset: BuiltDataset, settings: PushSettings) -> Iterator[BuiltDataset]:
    """Yield the dataset to publish: itself, or a copy without frames."""
    check_licence(dataset.manifest, settings)
    if not settings.annotations_only or dataset.manifest.frames is None:
        yield dataset
        return
    with temporary_folder() as scratch:
        yield strip_frames(dataset, scratch / dataset.name)


def _checked(repo: str) -> str:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as failure:
        raise InputError(f"--repo {repo!r}: {failure}") from failure
    if repo.count("/") != 1:
        raise InputError(f"--repo {repo!r}: expected ORG/NAME, such as my-lab/umcrd")
    return repo


def _compare(manifest: Manifest, files: Sequence[LocalFile], repo: HubRepo, tag: str) -> None:
    """Raise if the published version has other bytes."""
    remote = repo.files(tag)
    # Of eval.yaml the Hub's current one counts; versions from before have none.
    differing = _differences([file for file in files if file.path != EVAL_NAME], remote)
    if not differing:
        return
    published = repo.manifest(tag) if MANIFEST_NAME in remote else {}
    raise PublishError(
        f"{repo.url} has {tag} already, with other bytes; a published version stays as it is. "
        f"{_why(manifest, published)}Files that differ:{bullets(differing)}\n"
        "Publish it under another --repo, or build it with a higher version (folder: --version)"
    )


def _differences(files: Sequence[LocalFile], remote: dict[str, RemoteFile]) -> list[str]:
    local_paths = {file.path for file in files}
    return differences(files, remote) + [
        f"{path}: published there, not here"
        for path in remote
        if path not in local_paths and belongs_to_dataset(path)
    ]


def _why(manifest: Manifest, published: dict[str, object]) -> str:
    published_fingerprint = str(published.get("fingerprint") or "")
    if published_fingerprint == manifest.fingerprint:
        return (
            f"Rows and settings are the same (fingerprint {published_fingerprint[:12]}): only how "
            "they were "
            "written or described differs. "
        )
    frames = {True: "without frames", False: "with frames"}
    return (
        f"Fingerprint there {published_fingerprint[:12] or 'unknown'} "
        f"({frames[published.get('frames') is None]}), here {manifest.fingerprint[:12]} "
        f"({frames[manifest.frames is None]}). "
    )


def _check_other_content(manifest: Manifest, remote: RemoteState, repo: HubRepo) -> None:
    """Raise if the repository is not an earlier version of this dataset."""
    if MANIFEST_NAME not in remote.files:
        if others := sorted(set(remote.files) - _PUT_BY_THE_HUB):
            raise PublishError(
                f"{repo.url} holds something else already, no dataset of ours:{bullets(others)}\n"
                "Publish under another --repo"
            )
        return
    published = repo.manifest(remote.head)
    if published.get("name") != manifest.name:
        raise PublishError(
            f"{repo.url} holds the dataset {published.get('name')!r}, not {manifest.name!r}: "
            "publish under another --repo"
        )
    published_version = str(published.get("version"))
    if release(published_version) > release(manifest.version):
        raise PublishError(
            f"{repo.url} holds version {published_version}, later than {manifest.version}: build "
            "it with a "
            "higher version (folder: --version), or publish under another --repo"
        )


def _send(plan: PushPlan, repo: HubRepo, settings: PushSettings) -> None:
    manifest = plan.manifest
    remote = plan.remote
    if remote is None:
        repo.create(private=settings.private)
        remote = repo.state()
        if remote is None:
            raise PublishError(f"{repo.url} was made and is not to be seen: try again")
    title = f"{manifest.name} {manifest.version}, fingerprint {manifest.fingerprint[:12]}"
    commit = repo.send(
        plan.files, plan.stale, title=title, head=remote.head, progress=settings.progress
    )
    if differing := _differences(plan.files, repo.files(commit)):
        raise PublishError(
            f"{repo.url}: what arrived is not what was sent, so it got no tag:"
            f"{bullets(differing)}\nRun the same command again"
        )
    repo.tag(plan.tag, commit, title)


def print_plan(plan: PushPlan, settings: PushSettings) -> None:
    """Print the plan before publishing.

    Args:
        plan: The plan.
        settings: Settings of the push.
    """
    console = make_console()

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    manifest = plan.manifest
    where = f"{settings.repo} as {plan.tag}"
    if plan.is_published:
        say(f"{where} is published already, byte for byte: nothing to do")
        return
    say(f"{manifest.name} {manifest.version} to {where}", "bold")
    say(f"fingerprint {manifest.fingerprint[:FINGERPRINT_SHOWN]}", "dim")
    frames = manifest.frames
    held = (
        "annotations only, no frames"
        if frames is None
        else f"{count_of(frames.num_frames, 'frame')}"
    )
    if manifest.keeps_clips:
        held += " and the clips"
    say(f"{held}; {count_of(len(plan.files), 'file')}, {size_text(plan.size_bytes)}")
    if settings.dry_run:
        for file in plan.files:
            say(f"  {size_text(file.size_bytes):>9}  {file.path}")
    if plan.stale:
        say(f"removed from main, in earlier versions still:{bullets(plan.stale)}")
    licence = manifest.licence
    say(f"licence {licence.id}: {licence.statement}")
    if licence.id == "unknown":
        say("note: readers are not told what they may do with it", "yellow")
    say(_visibility(plan, settings))
    if plan.unseen:
        say(f"note: what the Hub holds is not known: {plan.unseen}", "yellow")
    if settings.dry_run:
        say("dry run: nothing was sent")


def print_done(plan: PushPlan, settings: PushSettings) -> None:
    """Print the address of a published dataset and how to read it.

    Args:
        plan: The plan that was carried out.
        settings: Settings of the push.
    """
    console = make_console()
    console.print(Text(f"published: {plan.url}/tree/{plan.tag}"), soft_wrap=True)
    call = f"datasets.load_dataset({settings.repo!r}, revision={plan.tag!r})"
    console.print(Text(f"read it:  {call}"), soft_wrap=True)


def _visibility(plan: PushPlan, settings: PushSettings) -> str:
    if plan.unseen:
        return f"as {'private' if settings.private else 'public'}, where it is a new repository"
    if plan.remote is None:
        return f"a new repository, {'private' if settings.private else 'public'}"
    return f"into the repository that is there, {'private' if plan.remote.is_private else 'public'}"
