"""The folder of a published model: one on this machine, or a repository of the Hugging Face Hub."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dvtr_bench.errors import ConfigError, NotFoundError, WeightsError
from dvtr_bench.reading.border import reading
from dvtr_bench.reading.json_toml_text import parse_published_json, read_json_bytes
from dvtr_bench.runtime.terminal import write_line

DESCRIPTIONS: Final = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")
"""Files of a repository that describe a model: settings, vocabularies, templates."""

_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")
_IN_CACHE: Final = re.compile(r"models--([\w.-]+)--([\w.-]+)/snapshots/([0-9a-f]{40})$")
_COMMIT: Final = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class ModelFolder:
    """A model's files on this machine.

    Attributes:
        path: The folder.
        name: What others can find it by: its name on the Hub, with the revision that was asked
            for; of a folder on this machine, its last part.
        revision: Commit hash on the Hub; None for a folder on this machine.
    """

    path: Path
    name: str
    revision: str | None

    def read_json(self, name: str) -> Any:
        """Return the content of a JSON file of the folder; None if there is no such file.

        Raises:
            WeightsError: It cannot be read.
        """
        file = self.path / name
        if not file.is_file():
            return None
        with reading(file, "a JSON file", WeightsError):
            text = read_json_bytes(file, WeightsError).decode("utf-8")
        return parse_published_json(text, str(file), WeightsError)

    def files(self, pattern: str) -> list[Path]:
        """Return the files of a pattern, such as ``*.safetensors``, in order of name."""
        return sorted(file for file in self.path.glob(pattern) if file.is_file())


def find_folder(source: str, reference: str, *, patterns: Sequence[str]) -> ModelFolder:
    """Return the folder of a model, downloading it if it is not on this machine.

    Args:
        source: Name of the adapter, for messages.
        reference: ``ORG/NAME``, ``ORG/NAME@REVISION`` or a folder.
        patterns: Files to fetch from the Hub, such as ``*.json``.

    Returns:
        The folder.

    Raises:
        NotFoundError: There is no such folder, or the Hub does not give the repository.
    """
    path = Path(reference).expanduser()
    if path.is_dir():
        path = path.resolve()
        if cached := _IN_CACHE.search(path.as_posix()):
            return ModelFolder(path, f"{cached[1]}/{cached[2]}", cached[3])
        return ModelFolder(path, path.name, None)
    repository, _, revision = reference.partition("@")
    if not _REPOSITORY.fullmatch(repository):
        raise NotFoundError(
            f"{source}:{reference}: there is no such folder, and it is no name of the Hugging Face "
            f"Hub: write {source}:ORG/NAME, {source}:ORG/NAME@REVISION or {source}:FOLDER"
        )
    return fetch_folder(source, repository, revision or None, patterns)


def fetch_folder(
    source: str, repository: str, revision: str | None, patterns: Sequence[str]
) -> ModelFolder:
    """Return a repository's files of some patterns, from the Hub's cache or the Hub.

    Args:
        source: Name of the adapter, for messages.
        repository: ``ORG/NAME``.
        revision: Branch, tag or commit; None for the main branch.
        patterns: Files to fetch, such as ``*.json``.

    Raises:
        NotFoundError: The Hub does not give it; the message says what to do without a network.
    """
    from huggingface_hub import snapshot_download

    name = repository if revision is None else f"{repository}@{revision}"
    try:
        path = Path(snapshot_download(repository, revision=revision, allow_patterns=list(patterns)))
    # The Hub's client raises errors of the HTTP library that it uses.
    except Exception as failure:
        reason = f"{type(failure).__name__}: {str(failure).strip().splitlines()[0]}"
        raise NotFoundError(
            f"{source}:{name} is not on this machine and cannot be downloaded ({reason}). On a "
            f"machine with a network: hf download {repository}"
            f"{'' if revision is None else f' --revision {revision}'} --local-dir FOLDER; then "
            f"copy the folder here and write {source}:FOLDER"
        ) from failure
    # The cache calls the folder of a snapshot by its commit.
    return ModelFolder(path, name, path.name if _COMMIT.fullmatch(path.name) else None)


def require_trust(folder: ModelFolder, source: str, needs: str, *, trusted: bool) -> None:
    """Refuse a model that runs code of its repository, or warn about it where that was allowed.

    Args:
        folder: The model's folder.
        source: Name of the adapter, for messages.
        needs: What code it is, such as ``modeling_x.py``; empty if there is none.
        trusted: Whether the user has set ``trust_remote_code``.

    Raises:
        ConfigError: It needs code of its own, and that was not allowed.
    """
    if not needs:
        return
    if not trusted:
        raise ConfigError(
            f"{source}:{folder.name} runs code from its own repository ({needs}), which may do "
            "anything on this machine: read it; if you trust it, add --set trust_remote_code=true"
        )
    write_line(
        f"warning: {source}:{folder.name} runs code from its own repository ({needs}), as "
        "trust_remote_code=true allows",
        err=True,
    )
