"""Verifies a built dataset: re-hashes and re-reads all of it and names whatever changed."""

from dataclasses import dataclass
from pathlib import Path

from builders.checks.verify.documents import check_card, check_croissant, check_report
from builders.checks.verify.files import check_bytes, check_names, check_sources, records
from builders.checks.verify.finding import Finding
from builders.checks.verify.frames import check_frames
from builders.checks.verify.parquet_form import check_forms
from builders.checks.verify.rows import check_rows
from dvtr_bench.dataset.manifest import MANIFEST_NAME, Manifest
from dvtr_bench.dataset.reader import BuiltDataset
from dvtr_bench.errors import ConfigError

_SHORTEST_FINGERPRINT = 8


@dataclass(frozen=True)
class Verification:
    """What a check of a dataset came to.

    Attributes:
        folder: The dataset's folder.
        manifest: What it says of itself.
        decoded: Whether the pixels of all frames were decoded.
        findings: Everything that is not as it should be; empty for a whole dataset.
    """

    folder: Path
    manifest: Manifest
    decoded: bool
    findings: tuple[Finding, ...]

    @property
    def num_files(self) -> int:
        """Parquet files that the dataset has."""
        return len(records(self.manifest))


def verify_dataset(
    dataset: BuiltDataset,
    *,
    decode: bool = False,
    fingerprint: str | None = None,
    progress: bool = True,
) -> Verification:
    """Check a dataset against everything that it says of itself.

    Files are hashed; rows are counted and compared across the configs; ids, ceilings and the
    fingerprint are worked out again from the rows; every stored frame is looked at; card and
    report are compared with ``dataset.json``. A forger who changes rows, every hash and the
    fingerprint alike makes another, whole dataset: only `fingerprint`, from elsewhere, tells.
    Of ``dataset.json`` itself, `summary` and `inputs_sha256` stand nowhere else.

    Args:
        dataset: The dataset; its manifest could be read.
        decode: Decode the pixels of every frame and compare the clips' perceptual hashes.
        fingerprint: What the fingerprint must be, such as a paper or a result file states it; its
            first digits are enough.
        progress: Show progress bars.

    Returns:
        What was found.

    Raises:
        ConfigError: `fingerprint` is none.
    """
    folder, manifest = dataset.folder, dataset.manifest
    findings = [*_check_fingerprint(manifest, fingerprint), *check_names(folder, manifest)]
    findings += check_bytes(folder, manifest, progress=progress)
    found, readable = check_forms(folder, manifest)
    findings += found
    findings += check_rows(folder, manifest, readable, progress=progress)
    findings += check_frames(folder, manifest, readable, decode=decode, progress=progress)
    for check in (check_card, check_report, check_croissant):
        findings += check(folder, manifest)
    findings += check_sources(manifest)
    return Verification(folder, manifest, decode, tuple(dict.fromkeys(findings)))


def _check_fingerprint(manifest: Manifest, expected: str | None) -> list[Finding]:
    if expected is None:
        return []
    wanted = expected.lower()
    if not set(wanted) <= set("0123456789abcdef") or not _SHORTEST_FINGERPRINT <= len(wanted) <= 64:
        raise ConfigError(
            f"--fingerprint {expected}: expected {_SHORTEST_FINGERPRINT} to 64 hex digits"
        )
    if manifest.fingerprint.startswith(wanted):
        return []
    message = f"expected the fingerprint {wanted}, found {manifest.fingerprint}: another dataset"
    return [Finding(MANIFEST_NAME, message)]
