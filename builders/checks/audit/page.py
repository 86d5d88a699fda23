"""An audit as one static page: no scripts, no other files, foreign text escaped."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from builders.checks.audit.blocks import Block, Chart, Paragraph, Picture, Table
from builders.checks.audit.run import AUDIT_NAME, Audit, finding_modules, run_audit
from builders.checks.audit.subject import subject_of, told_apart
from builders.checks.audit.terminal import describe
from dvtr_bench.reports.chart_style import chart_style
from dvtr_bench.reports.drawing import draw_chart
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.runtime.files import temporary_folder, written_beside, written_together

if TYPE_CHECKING:
    from builders.checks.audit.subject import Subject
    from dvtr_bench.dataset.reader import BuiltDataset

PAGE_NAME: Final = "index.html"


def page_text(audit: Audit, folder: Path) -> str:
    """Write the page.

    Args:
        audit: The audit.
        folder: Folder of the findings' pictures, which are embedded in the page.

    Returns:
        HTML.
    """
    title = f"Audit of {audit.dataset.name} {audit.dataset.version}"
    modules = finding_modules()
    contents = "".join(
        f'<li><a href="#{name}">{escape(module.TITLE)}</a></li>' for name, module in modules.items()
    )
    against = f"<p>Compared with {safe_html(describe(audit.against))}.</p>" if audit.against else ""
    sections = "".join(
        f'<section id="{name}"><h2>{escape(module.TITLE)}</h2>{_section(audit, name, folder)}'
        "</section>"
        for name, module in modules.items()
    )
    return _html_page(
        title,
        f"<h1>{safe_html(title)}</h1><p>{safe_html(describe(audit.dataset))}.</p>{against}"
        f"<nav><ul>{contents}</ul></nav>{sections}"
        f"<footer>Made with {safe_html(audit.made_with)}; all figures stand in audit.json."
        "</footer>",
    )


def _section(audit: Audit, name: str, folder: Path) -> str:
    if name in audit.not_measured:
        return f'<p class="not">{safe_html(audit.not_measured[name])}</p>'
    blocks = finding_modules()[name].blocks(audit.findings[name])
    return "\n".join(part for block in blocks for part in _block(block, folder))


def _block(block: Block, folder: Path) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield f"<p>{safe_html(block.text)}</p>"
        return
    yield f"<figure><figcaption>{safe_html(block.title)}</figcaption>"
    if isinstance(block, Table):
        yield _table(block)
    elif isinstance(block, Chart):
        yield f'<div class="wide">{draw_chart(block.chart, block.data)}</div>'
    else:
        yield _picture(block, folder)
    yield "</figure>"


def _table(block: Table) -> str:
    kinds = [
        "" if column < block.num_text_columns else ' class="n"'
        for column in range(len(block.header))
    ]
    head = "".join(
        f"<th{kind}>{safe_html(name)}</th>" for kind, name in zip(kinds, block.header, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{safe_html(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)
        )
        + "</tr>"
        for row in block.rows[: block.page_rows]
    )
    more = len(block.rows) - block.page_rows
    note = f'<p class="more">and {more:,} more in audit.json</p>' if more > 0 else ""
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{note}"
    )


def _picture(block: Picture, folder: Path) -> str:
    with Image.open(folder / block.file_name) as image:
        shrunk = io.BytesIO()
        image.convert("RGB").save(shrunk, format="JPEG", quality=85)
    data = base64.b64encode(shrunk.getvalue()).decode("ascii")
    return (
        f'<div class="wide"><img alt="{safe_html(block.title)}" '
        f'src="data:image/jpeg;base64,{data}"></div>'
    )


@dataclass(frozen=True)
class Written:
    """The files of an audit.

    Attributes:
        record: ``audit.json``.
        page: ``index.html``.
    """

    record: Path
    page: Path


def audit_dataset(
    dataset: "BuiltDataset", folder: Path, against: "BuiltDataset | None" = None
) -> tuple[Audit, Written]:
    """Audit a dataset and write the findings.

    Args:
        dataset: The dataset.
        folder: Folder for ``audit.json`` and the page; created if missing.
        against: Another dataset, to find common clips and captions.

    Returns:
        The audit, and the files written.
    """
    subject, other = subject_of(dataset), None
    if against is not None:
        subject, other = told_apart(subject, subject_of(against))
    audit = run_audit(subject, other)
    return audit, write_audit(audit, subject, other, folder)


def write_audit(
    audit: Audit, subject: "Subject", against: "Subject | None", folder: Path
) -> Written:
    """Write an audit into a folder.

    Args:
        audit: The audit.
        subject: The dataset, for pictures of its clips.
        against: The other one.
        folder: Output folder; created if missing.

    Returns:
        The files written.
    """
    with temporary_folder() as pictures:
        for name, module in finding_modules().items():
            if name in audit.findings and hasattr(module, "draw"):
                module.draw(audit.findings[name], subject, against, pictures)
        contents = {path.name: path.read_bytes() for path in sorted(pictures.iterdir())}
        contents[AUDIT_NAME] = audit.to_text().encode("utf-8")
        contents[PAGE_NAME] = page_text(audit, pictures).encode("utf-8")
    with written_together():
        for file_name, content in contents.items():
            with written_beside(folder / file_name) as beside:
                beside.write_bytes(content)
    return Written(folder / AUDIT_NAME, folder / PAGE_NAME)


def _html_page(title: str, body: str) -> str:
    """Put a page around its contents.

    Args:
        title: Title of the page; any text.
        body: HTML of the page's ``<main>``, with all foreign text escaped.

    Returns:
        A self-contained HTML page without scripts.
    """
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{safe_html(title)}</title><style>{chart_style()}{style}</style></head><body><main>"
        f"{body}</main></body></html>\n"
    )
