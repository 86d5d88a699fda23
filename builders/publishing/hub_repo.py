"""A dataset repository on the Hub, accessed by the Hub's client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from builders.publishing.local_files import LocalFile, belongs_to_dataset
from builders.sources.hub_errors import hub_errors_explained
from dvtr_bench import __version__
from dvtr_bench.dataset.manifest import FEATURES_FOLDER, MANIFEST_NAME
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.json_toml_text import parse_json
from dvtr_bench.runtime.files import temporary_folder
from dvtr_bench.runtime.terminal import progress_bar

_BRANCH: Final = "main"
_KILOBYTE: Final = 1000


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository.

    Attributes:
        size_bytes: Its size.
        sha256: Hash of its bytes; None for a small file, for which the Hub returns only `git_oid`.
        git_oid: Hash of the git object; for a large file that of its pointer.
    """

    size_bytes: int
    sha256: str | None
    git_oid: str

    def equals(self, local: LocalFile) -> bool:
        """Tell whether it has the same bytes as a local file."""
        if self.size_bytes != local.size_bytes:
            return False
        if self.sha256 is not None:
            return self.sha256 == local.sha256
        return self.git_oid == local.git_oid


def differences(files: Sequence[LocalFile], remote: Mapping[str, RemoteFile]) -> list[str]:
    """Say which local files a repository lacks or has with other bytes.

    Args:
        files: The local files.
        remote: Files of the repository, by path.

    Returns:
        A line for each such file.
    """
    return [
        f"{file.path}: {'other bytes' if file.path in remote else 'not published there'}"
        for file in files
        if file.path not in remote or not remote[file.path].equals(file)
    ]


@dataclass(frozen=True)
class RemoteState:
    """The state of a repository.

    Attributes:
        head: Commit of the main branch.
        is_private: Whether it is private.
        tags: Commits by tag.
        files: Files of the main branch, by path.
    """

    head: str
    is_private: bool
    tags: Mapping[str, str]
    files: Mapping[str, RemoteFile]

    @property
    def dataset_paths(self) -> frozenset[str]:
        """Paths of the main branch that a push wrote."""
        return frozenset(path for path in self.files if belongs_to_dataset(path))

    @property
    def feature_paths(self) -> frozenset[str]:
        """Paths of the main branch that features were published to."""
        return frozenset(path for path in self.files if path.startswith(f"{FEATURES_FOLDER}/"))


@dataclass(frozen=True)
class HubRepo:
    """A dataset repository, which may not exist yet.

    Attributes:
        repo_id: ``ORG/NAME``.
    """

    repo_id: str
    _api: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Make the client."""
        from huggingface_hub import HfApi

        client = HfApi(library_name="dvtr-bench", library_version=__version__)
        object.__setattr__(self, "_api", client)

    @property
    def url(self) -> str:
        """Its web address."""
        return f"{self._api.endpoint}/datasets/{self.repo_id}"

    def check_token(self) -> None:
        """Check the token with the Hub.

        Raises:
            PublishError: There is none, or it is not valid.
        """
        with hub_errors_explained(self.repo_id):
            self._api.whoami()

    def state(self) -> RemoteState | None:
        """Return the state of the repository.

        Returns:
            The state; None if there is no such repository.

        Raises:
            PublishError: The Hub refuses, or cannot be reached.
        """
        try:
            with hub_errors_explained(self.repo_id):
                info = self._api.repo_info(self.repo_id, repo_type="dataset")
                refs = self._api.list_repo_refs(self.repo_id, repo_type="dataset")
        except NotFoundError:
            return None
        tags = {tag.name: tag.target_commit for tag in refs.tags}
        return RemoteState(info.sha, bool(info.private), tags, self.files(info.sha))

    def files(self, revision: str) -> dict[str, RemoteFile]:
        """List the files of a revision.

        Args:
            revision: A branch, tag or commit.

        Returns:
            By path.
        """
        from huggingface_hub.hf_api import RepoFile

        with hub_errors_explained(self.repo_id):
            entries = self._api.list_repo_tree(
                self.repo_id, recursive=True, revision=revision, repo_type="dataset"
            )
            return {
                entry.path: RemoteFile(
                    entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id
                )
                for entry in entries
                if isinstance(entry, RepoFile)
            }

    def manifest(self, revision: str) -> dict[str, Any]:
        """Read the ``dataset.json`` of a revision, of any format version.

        Args:
            revision: A branch, tag or commit.

        Returns:
            Its JSON object; empty if it is not an object.
        """
        with hub_errors_explained(self.repo_id), temporary_folder() as folder:
            path = self._api.hf_hub_download(
                self.repo_id,
                MANIFEST_NAME,
                revision=revision,
                repo_type="dataset",
                local_dir=folder,
            )
            text = Path(path).read_bytes()
        try:
            value = parse_json(text, MANIFEST_NAME)
        except InputError:
            return {}
        return value if isinstance(value, dict) else {}

    def create(self, *, private: bool) -> None:
        """Make the repository.

        Args:
            private: Whether to make it private.
        """
        with hub_errors_explained(self.repo_id):
            self._api.create_repo(
                self.repo_id, repo_type="dataset", private=private or None, exist_ok=True
            )

    def send(
        self,
        files: Sequence[LocalFile],
        stale: Sequence[str],
        *,
        title: str,
        head: str,
        progress: bool,
    ) -> str:
        """Upload files one by one, then commit them to the main branch at once.

        What the Hub holds already, committed or not, is not sent again.

        Args:
            files: All files of the new commit.
            stale: Paths to delete.
            title: Title of the commit.
            head: Expected current commit of the main branch.
            progress: Show a progress bar.

        Returns:
            The commit.

        Raises:
            PublishError: The upload failed; files already sent stay on the Hub.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

        additions = [CommitOperationAdd(file.path, str(file.source)) for file in files]
        deletions = [CommitOperationDelete(path) for path in stale]
        total = sum(file.size_bytes for file in files) // _KILOBYTE
        disable_progress_bars()
        try:
            with (
                hub_errors_explained(self.repo_id),
                progress_bar("send files, kB", total, enabled=progress) as advance,
            ):
                for file, addition in zip(files, additions, strict=True):
                    advance(0, file.path)
                    self._api.preupload_lfs_files(
                        self.repo_id, [addition], repo_type="dataset", free_memory=False
                    )
                    advance(file.size_bytes / _KILOBYTE)
                commit = self._api.create_commit(
                    self.repo_id,
                    [*deletions, *additions],
                    commit_message=title,
                    repo_type="dataset",
                    revision=_BRANCH,
                    parent_commit=head,
                )
        finally:
            enable_progress_bars()
        return str(commit.oid)

    def tag(self, tag: str, commit: str, message: str) -> None:
        """Tag a commit with a new tag.

        Args:
            tag: Its name.
            commit: The commit.
            message: Message of the tag.
        """
        with hub_errors_explained(self.repo_id):
            self._api.create_tag(
                self.repo_id, tag=tag, tag_message=message, revision=commit, repo_type="dataset"
            )
