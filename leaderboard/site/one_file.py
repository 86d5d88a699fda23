"""A site as one HTML file: scripts, style, data and pictures stand in the page itself."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from dvtr_bench.dataset.reader import ROOT
from dvtr_bench.runtime.files import temporary_folder
from leaderboard.board import Board
from leaderboard.result_files import ResultFile
from leaderboard.row_json import run_id
from leaderboard.site.build import write_site
from leaderboard.site.script_files import json_text, write_text

WORST: Final = 12
"""Queries of a run, the worst, whose clips are shown as pictures."""

_KINDS: Final = {
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".tex": "application/x-tex",
}
"""Files of a site that a page points to."""

_POLICY: Final = re.compile(r'(http-equiv="Content-Security-Policy" content=")[^"]*')
_STYLE: Final = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
_ICON: Final = re.compile(r'(<link rel="icon" href=")([^"]+)')
_SCRIPT: Final = re.compile(r'<script defer src="([^"]+)"></script>\n')
_ENDS: Final = re.compile("</(script|style)|<!--", re.IGNORECASE)


def write_report(
    board: Board,
    file: ResultFile,
    path: Path,
    root: Path = ROOT,
    runs: Path = Path("runs"),
    *,
    worst: int = WORST,
) -> Path:
    """Write the pages of one run as one file, which opens at the run's page.

    Args:
        board: The board of the run alone.
        file: The run, with its path or top lists.
        path: The HTML file to write.
        root: Folder of the datasets, for captions, and for frames if their licence allows it.
        runs: Folder of training runs, whose logs give the curves of the training.
        worst: Number of queries, the worst, whose clips are shown as pictures.

    Returns:
        The path written.

    Raises:
        ResultError: The top lists beside the result file belong to another run.
    """
    with temporary_folder() as folder:
        page = write_site([board], [file], folder / "site", root, runs, worst=worst)
        text = as_one_file(page.parent, f"#/run/{run_id(file.record)}")
    return write_text(path, text)


def as_one_file(site: Path, address: str) -> str:
    """Return a site as one page.

    Args:
        site: The folder of a site.
        address: What the page shows first.

    Returns:
        HTML. Its policy allows its own script and style by their hashes, and nothing of others.

    Raises:
        ValueError: A script or the style holds what would end it.
    """
    page = (site / "index.html").read_text(encoding="utf-8")
    *scripts, main = _SCRIPT.findall(page)
    parts = [(site / name).read_text(encoding="utf-8") for name in scripts]
    parts += _data(site)
    parts.append(f"dvtr.inside = {json_text(dict(_inside(site)))};\n")
    parts.append(f'if (!location.hash) history.replaceState(null, "", {json_text(address)});\n')
    parts.append((site / main).read_text(encoding="utf-8"))
    script = _whole("\n" + "".join(parts))
    found = _STYLE.search(page)
    if found is None:
        raise ValueError("the page of the site has no style sheet")
    style = _whole("\n" + (site / found[1]).read_text(encoding="utf-8"))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:"
    )
    page = _SCRIPT.sub("", page)
    page = _POLICY.sub(lambda match: match[1] + policy, page)
    page = _STYLE.sub(lambda _: f"<style>{style}</style>", page)
    page = _ICON.sub(lambda match: match[1] + _address(site / match[2]), page)
    page = page.replace("dvtr-bench leaderboard --site", "dvtr-bench report")
    # A script that stands in the page runs where it stands: last, when the page is there.
    return page.replace("</body>", f"<script>{script}</script>\n</body>")


def _data(site: Path) -> Sequence[str]:
    return [path.read_text(encoding="utf-8") for path in sorted((site / "data").glob("*.js"))]


def _inside(site: Path) -> Iterator[tuple[str, str]]:
    """Yield the files that the page points to, each with its content as an address."""
    for path in sorted(site.rglob("*")):
        if path.parent != site and path.suffix in _KINDS:
            yield path.relative_to(site).as_posix(), _address(path)


def _address(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_KINDS[path.suffix]};base64,{content}"


def _whole(text: str) -> str:
    """Return the text of a script or style, which must not hold what ends it."""
    if (found := _ENDS.search(text)) is not None:
        raise ValueError(f"a script or style of the site holds {found[0]!r}")
    return text


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"sha256-{digest}"
