"""Print and write the result of `dvtr-bench verify`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from builders.checks.verify.row_stream import Finding
from builders.checks.verify.verify import Verification
from dvtr_bench.dataset.manifest import size_text
from dvtr_bench.reading.json_records import to_json
from dvtr_bench.reading.json_toml_text import readable_json
from dvtr_bench.reports.others_text import make_console
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import count_of

SHOWN_OF_A_PLACE: Final = 5
"""Largest number of findings printed per file."""


def print_verification(verification: Verification) -> None:
    """Print whether a dataset is intact, or its findings.

    Args:
        verification: What was found.
    """
    console = make_console()
    manifest, findings = verification.manifest, verification.findings
    verdict = f"changed, findings: {len(findings):,}" if findings else "whole"
    title = Text.assemble((f"{manifest.name} ", "bold"), f"{manifest.version}  {verdict}: ")
    console.print(title.append(str(verification.folder)), soft_wrap=True)
    for line in _by_place(findings):
        console.print(Text(line), soft_wrap=True)
    if findings:
        console.print(Text(_ADVICE), soft_wrap=True)
        return
    console.print(Text(f"fingerprint {manifest.fingerprint}"), soft_wrap=True)
    console.print(Text(_looked_at(verification)), soft_wrap=True)


def verification_as_json(verification: Verification) -> dict[str, Any]:
    """Return all findings as JSON values.

    Args:
        verification: What was found.

    Returns:
        What was verified, whether it is whole, and a mapping for each finding.
    """
    manifest = verification.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "fingerprint": manifest.fingerprint,
        "whole": not verification.findings,
        "decoded": verification.decoded,
        "findings": [to_json(finding) for finding in verification.findings],
    }


def write_verification(verification: Verification, path: Path) -> Path:
    """Write all findings as JSON.

    Args:
        verification: What was found.
        path: The file.

    Returns:
        The file.
    """
    content = verification_as_json(verification)
    with written_beside(path) as beside:
        text = readable_json(content, indent=2) + "\n"
        beside.write_text(text, encoding="utf-8", newline="\n")
    return path


_ADVICE: Final = (
    "Get the files again from where they were published, or build the dataset again (dvtr-bench "
    "build --overwrite)."
)


def _by_place(findings: Iterable[Finding]) -> Iterable[str]:
    """Return lines that name every file, even if one has many findings."""
    messages_by_place: dict[str, list[str]] = {}
    for finding in findings:
        messages_by_place.setdefault(finding.place, []).append(finding.message)
    for place, messages in messages_by_place.items():
        yield from (f"  {place}: {message}" for message in messages[:SHOWN_OF_A_PLACE])
        if len(messages) > SHOWN_OF_A_PLACE:
            yield f"  {place}: and {len(messages) - SHOWN_OF_A_PLACE:,} more (--out FILE for all)"


def _looked_at(verification: Verification) -> str:
    manifest = verification.manifest
    videos = sum(split.num_videos for split in manifest.splits.values())
    captions = sum(split.num_captions for split in manifest.splits.values())
    frames = manifest.frames
    if frames is None:
        pictures = "no frames (annotations only)"
    elif verification.decoded:
        pictures = f"{count_of(frames.num_frames, 'frame')}, every one decoded"
    else:
        pictures = (
            f"{count_of(frames.num_frames, 'frame')}, headers and ends alone (--frames decodes "
            "them)"
        )
    return (
        f"checked: {verification.num_files} Parquet files, {size_text(manifest.size_bytes)}; "
        f"{count_of(videos, 'video')}, {count_of(captions, 'caption')}; {pictures}; the texts "
        "beside them"
    )
