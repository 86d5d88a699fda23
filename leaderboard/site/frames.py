"""Thumbnails of clips in a site."""

from collections.abc import Iterable
from pathlib import Path

from dvtr_bench.reports.thumbnails import Thumbnail
from dvtr_bench.runtime.files import written_beside


def write_thumbnails(thumbnails: Iterable[tuple[int, Thumbnail]], folder: Path) -> None:
    """Write two pictures per clip, named by its row: its middle frame and a strip of four frames.

    Args:
        thumbnails: Rows of the gallery, each with its pictures.
        folder: The output folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for row, thumbnail in thumbnails:
        if (folder / f"{row}.jpg").exists():
            continue
        for name, content in ((f"{row}", thumbnail.middle), (f"{row}-strip", thumbnail.strip)):
            with written_beside(folder / f"{name}.jpg") as beside:
                beside.write_bytes(content)
