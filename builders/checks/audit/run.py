"""Run all findings on a dataset; read and write their record, ``audit.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from builders.checks.audit.subject import NotMeasured, Subject
from dvtr_bench import __version__
from dvtr_bench.catalog import Catalog, Need
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.reading.json_records import from_json, to_json
from dvtr_bench.reading.json_toml_text import parse_json, read_json_bytes, readable_json

FORMAT_VERSION: Final = 1
"""Version of ``audit.json``; raised when a field is added, removed or changes its meaning."""

AUDIT_NAME: Final = "audit.json"

FINDINGS: Final = Catalog(
    "finding",
    ("builders.checks.audit.findings",),
    "see builders/checks/audit/findings/",
    needs=(
        Need("TITLE", "write its heading", lambda value: isinstance(value, str)),
        Need(
            "PLACE", "write its place on the page, a number", lambda value: isinstance(value, int)
        ),
        Need("Record", "write the frozen dataclass of what it finds"),
        Need("find", "write find(subject, against, show_progress), which returns a Record"),
        Need("blocks", "write blocks(record), which yields what is shown"),
    ),
)


@dataclass(frozen=True)
class DatasetRecord:
    """The audited dataset.

    Attributes:
        name: Its name.
        version: Its version.
        fingerprint: Its fingerprint, 64 hex digits.
        has_frames: False for an annotations-only build.
        videos: Videos by split.
        captions: Captions by split.
    """

    name: str
    version: str
    fingerprint: str
    has_frames: bool
    videos: Mapping[str, int]
    captions: Mapping[str, int]


@dataclass(frozen=True)
class Audit:
    """The contents of ``audit.json``.

    Attributes:
        format_version: `FORMAT_VERSION` of the writer.
        dataset: The dataset.
        against: The dataset it was compared with, or None.
        findings: Records by name of the finding, in the order of the page.
        not_measured: Why the other findings were not measured, by name.
        made_with: The program and version that wrote it.
    """

    format_version: int
    dataset: DatasetRecord
    against: DatasetRecord | None
    findings: Mapping[str, Any]
    not_measured: Mapping[str, str]
    made_with: str

    def to_text(self) -> str:
        """Return the JSON text of ``audit.json``."""
        return readable_json(to_json(self), indent=1) + "\n"


@dataclass(frozen=True)
class _Header:
    """`Audit` without its findings, whose types are in their modules."""

    format_version: int
    dataset: DatasetRecord
    against: DatasetRecord | None
    not_measured: Mapping[str, str]
    made_with: str


def finding_modules() -> dict[str, ModuleType]:
    """Return the findings by name, in the order of the page."""
    modules = {name: FINDINGS.load(name) for name in FINDINGS.names()}
    return dict(sorted(modules.items(), key=lambda item: item[1].PLACE))


def run_audit(
    subject: Subject, against: Subject | None = None, show_progress: bool = True
) -> Audit:
    """Audit a dataset.

    Args:
        subject: The dataset.
        against: Another one to compare it with.
        show_progress: Whether to show progress bars.

    Returns:
        The audit.
    """
    findings: dict[str, Any] = {}
    not_measured: dict[str, str] = {}
    for name, module in finding_modules().items():
        record = module.find(subject, against, show_progress)
        if isinstance(record, NotMeasured):
            not_measured[name] = record.reason
        else:
            findings[name] = record
    return Audit(
        format_version=FORMAT_VERSION,
        dataset=_dataset(subject),
        against=_dataset(against) if against is not None else None,
        findings=findings,
        not_measured=not_measured,
        made_with=f"dvtr-bench {__version__}",
    )


def read_audit(path: Path) -> Audit:
    """Read an ``audit.json``.

    Args:
        path: The file.

    Returns:
        The audit, each finding as its module's ``Record``.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is not an audit, or has another format.
    """
    try:
        value = parse_json(read_json_bytes(path), str(path))
    except FileNotFoundError:
        raise NotFoundError(f"{path} is not there: `dvtr-bench audit NAME` writes it") from None
    version = value.get("format_version") if isinstance(value, dict) else None
    if type(version) is not int or version != FORMAT_VERSION:
        raise InputError(
            f"{path}: expected an audit of format {FORMAT_VERSION}, found {version!r}: audit the "
            "dataset again"
        )
    records = value.pop("findings", None)
    if not isinstance(records, dict):
        raise InputError(f"{path}: the field 'findings' is missing: audit the dataset again")
    header = from_json(_Header, json.dumps(value), str(path))
    modules = finding_modules()
    if unknown := sorted(records.keys() - modules.keys()):
        raise InputError(f"{path}: no finding is called {unknown[0]!r}: upgrade dvtr-bench")
    return Audit(
        format_version=header.format_version,
        dataset=header.dataset,
        against=header.against,
        findings={
            name: from_json(modules[name].Record, json.dumps(record), f"{path}: {name}")
            for name, record in records.items()
        },
        not_measured=header.not_measured,
        made_with=header.made_with,
    )


def _dataset(subject: Subject) -> DatasetRecord:
    return DatasetRecord(
        name=subject.name,
        version=subject.version,
        fingerprint=subject.fingerprint,
        has_frames=subject.has_frames,
        videos={name: len(split.video_ids) for name, split in subject.splits.items()},
        captions={name: len(split.captions) for name, split in subject.splits.items()},
    )
