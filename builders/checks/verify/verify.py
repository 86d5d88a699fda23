"""Verify a built dataset: hash and read all of it again and report what changed."""

from dataclasses import dataclass
from pathlib import Path

from builders.checks.verify.documents import check_card, check_croissant, check_report
from builders.checks.verify.files import (
    check_bytes,
    check_forms,
    check_names,
    check_sources,
    records,
)
from builders.checks.verify.frames import check_frames
from builders.checks.verify.row_stream import Finding
from builders.checks.verify.rows import check_clips, check_rows
from dvtr_bench.dataset.manifest import MANIFEST_NAME, Manifest
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import ConfigError

_SHORTEST_FINGERPRINT = 8


@dataclass(frozen=True)
class Verification:
    """The result of verifying a dataset.

    Attributes:
        folder: The dataset's folder.
        manifest: Its manifest.
        decoded: Whether the pixels of all frames were decoded.
        findings: All deviations; empty for an intact dataset.
    """

    folder: Path
    manifest: Manifest
    decoded: bool
    findings: tuple[Finding, ...]

    @property
    def num_files(self) -> int:
        """Number of Parquet files of the dataset."""
        return len(records(self.manifest))


def verify_dataset(
    dataset: BuiltDataset,
    *,
    decode: bool = False,
    fingerprint: str | None = None,
    progress: bool = True,
) -> Verification:
    """Check a dataset against its manifest.

    Files are hashed; rows are counted and compared across the configs; ids, ceilings and the
    fingerprint are computed again from the rows; every stored frame is checked; kept clips are
    hashed; card and report are compared with ``dataset.json``. If someone changes rows, all hashes
    and the fingerprint consistently, only a `fingerprint` from elsewhere reveals it. `summary` and
    `inputs_sha256` of ``dataset.json`` cannot be checked.

    Args:
        dataset: The dataset; its manifest could be read.
        decode: Decode the pixels of every frame and compare the clips' perceptual hashes.
        fingerprint: The expected fingerprint, such as from a paper or a result file; its first
            digits suffice.
        progress: Show progress bars.

    Returns:
        What was found.

    Raises:
        ConfigError: `fingerprint` is not a fingerprint.
    """
    folder, manifest = dataset.folder, dataset.manifest
    findings = [*_check_fingerprint(manifest, fingerprint), *check_names(folder, manifest)]
    findings += check_bytes(folder, manifest, progress=progress)
    all_findings, readable = check_forms(folder, manifest)
    findings += all_findings
    findings += check_rows(folder, manifest, readable, progress=progress)
    findings += check_frames(folder, manifest, readable, decode=decode, progress=progress)
    findings += check_clips(folder, manifest, readable, progress=progress)
    for check in (check_card, check_report, check_croissant):
        findings += check(folder, manifest)
    findings += check_sources(manifest)
    return Verification(folder, manifest, decode, tuple(dict.fromkeys(findings)))


def _check_fingerprint(manifest: Manifest, expected: str | None) -> list[Finding]:
    if expected is None:
        return []
    expected_digits = expected.lower()
    if (
        not set(expected_digits) <= set("0123456789abcdef")
        or not _SHORTEST_FINGERPRINT <= len(expected_digits) <= 64
    ):
        raise ConfigError(
            f"--fingerprint {expected}: expected {_SHORTEST_FINGERPRINT} to 64 hex digits"
        )
    if manifest.fingerprint.startswith(expected_digits):
        return []
    message = (
        f"expected the fingerprint {expected_digits}, found {manifest.fingerprint}: another dataset"
    )
    return [Finding(MANIFEST_NAME, message)]
