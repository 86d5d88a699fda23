"""Writes an audit: the record, the pictures, the page."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builders.audit.page import PAGE_NAME, page_text
from builders.audit.run import AUDIT_NAME, Audit, finding_modules
from dvtr_bench.atomic import written_beside

if TYPE_CHECKING:
    from builders.audit.subject import Subject


@dataclass(frozen=True)
class Written:
    """The files of an audit.

    Attributes:
        record: ``audit.json``.
        page: ``index.html``.
    """

    record: Path
    page: Path


def write_audit(
    audit: Audit, subject: "Subject", against: "Subject | None", folder: Path
) -> Written:
    """Write an audit into a folder.

    Args:
        audit: What was found.
        subject: The dataset, for pictures of its clips.
        against: The other one.
        folder: Where to; it is made.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in finding_modules().items():
        if name in audit.findings and hasattr(module, "draw"):
            module.draw(audit.findings[name], subject, against, folder)
    texts = {AUDIT_NAME: audit.to_text(), PAGE_NAME: page_text(audit, folder)}
    for file_name, text in texts.items():
        with written_beside(folder / file_name) as beside:
            beside.write_text(text, encoding="utf-8")
    return Written(folder / AUDIT_NAME, folder / PAGE_NAME)
