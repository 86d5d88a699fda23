"""The environment of a run: versions, device, commit of the source tree, date."""

import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

import dvtr_bench
from dvtr_bench.reading.json_records import Text

if TYPE_CHECKING:
    import torch

_LIBRARIES: Final = (
    "dvtr-bench",
    "torch",
    "numpy",
    "open_clip_torch",
    "opencv-python-headless",
    "pyarrow",
    "pillow",
)


_DATE: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"


@dataclass(frozen=True)
class EnvironmentFacts:
    """The environment of a run.

    Attributes:
        date_utc: When it ended, such as ``2026-01-31T12:00:00Z``.
        device: Such as ``cpu`` or ``cuda:0``.
        device_name: Name of the device.
        dtype: Dtype of the scores.
        libraries: Versions by name, including python.
        git_commit: Commit of the source tree; None outside one.
        git_dirty: True if the tree had changes; None outside one.
    """

    date_utc: Annotated[str, Field(pattern=_DATE)]
    device: Text
    device_name: str
    dtype: Text
    libraries: Mapping[str, str]
    git_commit: Annotated[str, Field(pattern="^[0-9a-f]{40,64}$")] | None
    git_dirty: bool | None


def environment_facts(
    device: "torch.device", dtype: "torch.dtype", libraries: Iterable[str] = ()
) -> EnvironmentFacts:
    """Describe the machine and the software of a run that has just ended.

    Args:
        device: Device of the scores.
        dtype: Dtype of the scores.
        libraries: Further packages that the figures depend on.

    Returns:
        The facts for the record.
    """
    commit = _git("rev-parse", "HEAD") if _in_source_tree() else None
    return EnvironmentFacts(
        date_utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        device=str(device),
        device_name=_device_name(device),
        dtype=str(dtype).removeprefix("torch."),
        libraries={"python": platform.python_version(), **library_versions(libraries)},
        git_commit=commit,
        git_dirty=None if commit is None else bool(_git("status", "--porcelain")),
    )


def library_versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the libraries that figures depend on, by name.

    Args:
        more: Further packages that figures depend on.
    """
    versions = {}
    for name in dict.fromkeys((*_LIBRARIES, *more)):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _device_name(device: "torch.device") -> str:
    if device.type == "cuda":
        import torch

        return str(torch.cuda.get_device_name(device))
    return platform.processor() or platform.machine()


def _in_source_tree() -> bool:
    # An installed package may be inside another project's repository.
    top = _git("rev-parse", "--show-toplevel")
    return top is not None and Path(top).resolve() == _package_parent().resolve()


def _package_parent() -> Path:
    return Path(str(dvtr_bench.__file__)).parents[1]


def _git(*arguments: str) -> str | None:
    try:
        process = subprocess.run(  # noqa: S603 (the arguments are ours)
            ["git", *arguments],  # noqa: S607 (the git of the user's PATH)
            cwd=_package_parent(),
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return process.stdout.strip()
