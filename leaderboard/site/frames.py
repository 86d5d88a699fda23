"""Thumbnails of clips in a site."""

from collections.abc import Callable, Iterable
from pathlib import Path

from dvtr_bench.reports.thumbnails import Thumbnail
from dvtr_bench.runtime.files import written_beside


def write_thumbnails(
    rows: Iterable[int], picture: Callable[[int], Thumbnail | None], folder: Path
) -> None:
    """Write two pictures per clip, named by its row: its middle frame and a strip of four frames.

    Args:
        rows: Rows of the gallery. Those whose pictures are there already are left out: boards of
            one split share them.
        picture: Makes the pictures of a row; None for a clip without frames.
        folder: The output folder.
    """
    for row in rows:
        if (folder / f"{row}.jpg").exists() or (made := picture(row)) is None:
            continue
        for name, content in ((f"{row}", made.middle), (f"{row}-strip", made.strip)):
            with written_beside(folder / f"{name}.jpg") as beside:
                beside.write_bytes(content)
