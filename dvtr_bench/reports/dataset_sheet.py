"""The contact sheet of a dataset: clips with their ids and captions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.reports.contact_sheet import (
    BORDER_PX,
    COLUMN_PX,
    FAINT,
    GAP_PX,
    INK,
    PAPER,
    TILE_HEIGHT_PX,
    TILE_WIDTH_PX,
    TITLE_SIZE_PX,
    Tile,
    draw_lines,
    draw_tile,
    wrapped,
)
from dvtr_bench.runtime.terminal import count_of

if TYPE_CHECKING:
    from dvtr_bench.dataset.reader import BuiltDataset
    from dvtr_bench.dataset.video import Video

CLIPS: Final = 24
CLIPS_A_ROW: Final = 5
CAPTIONS_A_CLIP: Final = 2

_TEXT_SIZE_PX: Final = 14
_LINE_PX: Final = 18
_CAPTION_LINES: Final = 3
_NOTE_SIZE_PX: Final = 13


def draw_dataset_sheet(
    dataset: "BuiltDataset",
    split: str | None = None,
    *,
    clips: int = CLIPS,
    seed: int | None = None,
) -> Image.Image:
    """Draw clips of a dataset, five a row, each with its id, split, category and captions.

    Args:
        dataset: With frames.
        split: The split; None for all of them.
        clips: Largest number of clips.
        seed: Draws the clips at random; None chooses them evenly, in order.

    Returns:
        An RGB image.

    Raises:
        NotFoundError: There is no such split, or the dataset has no frames.
        ConfigError: The number of clips is not positive.
    """
    if clips < 1:
        raise ConfigError(f"a contact sheet needs at least one clip: found {clips}")
    if dataset.manifest.frames is None:
        raise NotFoundError(
            f"{dataset.folder} was built without frames and has nothing to draw: build it again "
            "with its clips"
        )
    names = dataset.split_names if split is None else (split,)
    videos = [(name, row) for name in names for row in range(len(dataset.split(name)))]
    chosen = [videos[place] for place in _choose(len(videos), clips, seed)]
    opened = {name: dataset.split(name) for name in names}
    cells = [_Cell(name, opened[name][row], len(names) > 1) for name, row in chosen]
    how = "" if len(cells) == len(videos) else f"{len(cells)} of "
    where = "" if split is None else f", {split}"
    title = (
        f"{dataset.name} {dataset.manifest.version}{where}: {how}{count_of(len(videos), 'clip')}"
    )
    return _draw(title, cells)


class _Cell:
    """A clip with the text below it."""

    def __init__(self, split: str, video: "Video", many_splits: bool) -> None:
        """Break the captions into lines."""
        width = TILE_WIDTH_PX + 2 * BORDER_PX
        facts = [split] if many_splits else []
        facts += [video.category] if video.category else []
        hidden = len(video.captions) - CAPTIONS_A_CLIP
        facts += [f"{hidden} more caption{'s' if hidden > 1 else ''}"] if hidden > 0 else []
        self.tile = Tile(video.frames, video.video_id)
        self.lines = [
            line
            for caption in video.captions[:CAPTIONS_A_CLIP]
            for line in wrapped(f"- {caption}", _TEXT_SIZE_PX, width, _CAPTION_LINES)
        ]
        self.note = wrapped(", ".join(facts), _NOTE_SIZE_PX, width, 2) if facts else []

    @property
    def height_px(self) -> int:
        """Of the tile and the text."""
        return TILE_HEIGHT_PX + _LINE_PX * (len(self.lines) + len(self.note))

    def draw(self, sheet: Image.Image, left: int, top: int) -> None:
        """Draw it into a sheet."""
        draw_tile(sheet, self.tile, left, top)
        draw = ImageDraw.Draw(sheet)
        below = (left, top + TILE_HEIGHT_PX)
        end = draw_lines(draw, self.lines, below, _TEXT_SIZE_PX, _LINE_PX, INK)
        draw_lines(draw, self.note, (left, end), _NOTE_SIZE_PX, _LINE_PX, FAINT)


def _choose(videos: int, clips: int, seed: int | None) -> Sequence[int]:
    """Return places of clips, in order: evenly spread, or drawn with a seed."""
    count = min(clips, videos)
    if seed is None:
        return [(2 * place + 1) * videos // (2 * count) for place in range(count)]
    return sorted(np.random.default_rng(seed).permutation(videos)[:count].tolist())


def _draw(title: str, cells: Sequence[_Cell]) -> Image.Image:
    width = CLIPS_A_ROW * COLUMN_PX + 2 * GAP_PX
    lines = [cells[at : at + CLIPS_A_ROW] for at in range(0, len(cells), CLIPS_A_ROW)]
    heights = [max(cell.height_px for cell in line) + 2 * GAP_PX for line in lines]
    header = 52
    sheet = Image.new("RGB", (width, header + sum(heights)), PAPER)
    shown = wrapped(title, TITLE_SIZE_PX, width - 2 * GAP_PX, 1)
    draw_lines(ImageDraw.Draw(sheet), shown, (GAP_PX, 14), TITLE_SIZE_PX, 30, INK)
    top = header
    for line, height in zip(lines, heights, strict=True):
        for column, cell in enumerate(line):
            cell.draw(sheet, GAP_PX + column * COLUMN_PX, top)
        top += height
    return sheet
