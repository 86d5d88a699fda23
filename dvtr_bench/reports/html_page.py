"""The frame of every HTML page: one file, no scripts, no external resources, light and dark."""

from importlib import resources
from typing import Final

from dvtr_bench.reports.chart_style import chart_style
from dvtr_bench.reports.others_text import safe_html

PAGE_STYLE: Final = "page.css"


def html_page(title: str, body: str) -> str:
    """Put a page around its contents.

    Args:
        title: Title of the page; any text.
        body: HTML of the page's ``<main>``, with all foreign text escaped.

    Returns:
        A self-contained HTML page without scripts.
    """
    style = resources.files(__package__).joinpath(PAGE_STYLE).read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{safe_html(title)}</title><style>{chart_style()}{style}</style></head><body><main>"
        f"{body}</main></body></html>\n"
    )
