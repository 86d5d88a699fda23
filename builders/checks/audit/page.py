"""An audit as one static page: no script, no other file, everything of others escaped."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from builders.checks.audit.blocks import Bars, Block, Curves, Paragraph, Picture, Table
from builders.checks.audit.plots import draw_bars, draw_curves
from builders.checks.audit.run import AUDIT_NAME, Audit, finding_modules
from builders.checks.audit.terminal import describe
from dvtr_bench.reports.others_text import safe_html
from dvtr_bench.runtime.files import written_beside

if TYPE_CHECKING:
    from builders.checks.audit.subject import Subject

PAGE_NAME: Final = "index.html"
STYLE_NAME: Final = "page.css"


def page_text(audit: Audit, folder: Path) -> str:
    """Write the page.

    Args:
        audit: What to show.
        folder: Where the pictures are that findings drew; they become part of the page.

    Returns:
        HTML.
    """
    title = f"Audit of {audit.dataset.name} {audit.dataset.version}"
    modules = finding_modules()
    style = resources.files(__package__).joinpath(STYLE_NAME).read_text(encoding="utf-8")
    contents = "".join(
        f'<li><a href="#{name}">{escape(module.TITLE)}</a></li>' for name, module in modules.items()
    )
    against = f"<p>Compared with {safe_html(describe(audit.against))}.</p>" if audit.against else ""
    sections = "".join(
        f'<section id="{name}"><h2>{escape(module.TITLE)}</h2>{_section(audit, name, folder)}'
        "</section>"
        for name, module in modules.items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{safe_html(title)}</title><style>{style}</style></head><body><main>"
        f"<h1>{safe_html(title)}</h1><p>{safe_html(describe(audit.dataset))}.</p>{against}"
        f"<nav><ul>{contents}</ul></nav>{sections}"
        f"<footer>Made with {safe_html(audit.made_with)}; all figures stand in audit.json.</footer>"
        "</main></body></html>\n"
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
    yield f"<figure><figcaption>{safe_html(block.title)}{_legend(block)}</figcaption>"
    if isinstance(block, Table):
        yield _table(block)
    elif isinstance(block, Bars):
        yield f'<div class="wide">{draw_bars(block)}</div>'
    elif isinstance(block, Curves):
        yield f'<div class="wide">{draw_curves(block)}</div>'
    else:
        yield _picture(block, folder)
    yield "</figure>"


def _table(block: Table) -> str:
    kinds = [
        "" if place < block.num_text_columns else ' class="n"' for place in range(len(block.header))
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


def _legend(block: Block) -> str:
    if isinstance(block, Bars):
        names = list(block.parts) if len(block.parts) > 1 else []
    else:
        names = list(block.lines) if isinstance(block, Curves) else []
    keys = "".join(
        f'<span class="key"><i class="k{number % 6}"></i>{safe_html(name)}</span>'
        for number, name in enumerate(names)
    )
    return f'<span class="keys">{keys}</span>' if keys else ""


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
