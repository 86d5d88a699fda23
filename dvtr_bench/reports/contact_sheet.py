"""Contact sheets: a picture with a text and a row of clips for each query.

Each clip is drawn as its middle frame over a strip of four frames in time order, so that a still
picture shows motion. Relevant clips have a green frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw

from dvtr_bench.reports.sheet_text import cut, font_for, wrapped
from dvtr_bench.reports.thumbnails import STRIP_FRAMES, fitted, spread
from dvtr_bench.runtime.files import written_beside

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames

TILE_WIDTH_PX: Final = 208
MAIN_HEIGHT_PX: Final = 156
STRIP_HEIGHT_PX: Final = 39
LABEL_HEIGHT_PX: Final = 22
TEXT_WIDTH_PX: Final = 330
GAP_PX: Final = 12
BORDER_PX: Final = 4

PAPER: Final = (250, 250, 248)
INK: Final = (32, 33, 36)
FAINT: Final = (94, 96, 100)
RELEVANT: Final = (22, 138, 62)
OTHER: Final = (214, 214, 210)
EMPTY: Final = (236, 236, 233)

TITLE_SIZE_PX: Final = 22
TEXT_SIZE_PX: Final = 17
NOTE_SIZE_PX: Final = 14
LABEL_SIZE_PX: Final = 13

COLUMN_PX: Final = TILE_WIDTH_PX + 2 * BORDER_PX + GAP_PX
TILE_HEIGHT_PX: Final = MAIN_HEIGHT_PX + STRIP_HEIGHT_PX + LABEL_HEIGHT_PX + 2 * BORDER_PX
_TITLE_LINE_PX: Final = 30
_APART_PX: Final = 2 * GAP_PX
_TEXT_LINES: Final = 7
_NOTE_LINES: Final = 2


@dataclass(frozen=True)
class Tile:
    """One clip of a row.

    Attributes:
        frames: Its stored frames, RGB uint8, in time order; none draws an empty box.
        label: The text below it, such as its rank and score.
        relevant: Whether it is a right answer.
        apart: Whether it stands apart, after a line: it is none of the row's answers.
    """

    frames: "Frames"
    label: str
    relevant: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Row:
    """One query with its clips.

    Attributes:
        text: The query or heading.
        note: A smaller line below it, such as where the right clip was ranked.
        tiles: The clips, best first; those that stand apart come last.
    """

    text: str
    note: str
    tiles: Sequence[Tile]


def draw_contact_sheet(title: str, rows: Sequence[Row]) -> Image.Image:
    """Draw rows of clips under a title.

    Args:
        title: The sheet's heading.
        rows: What to draw, from the top; at least one row, each with at least one tile.

    Returns:
        An RGB image.

    Raises:
        ValueError: There is nothing to draw.
    """
    if not rows or not all(row.tiles for row in rows):
        raise ValueError("a contact sheet needs at least one row and a clip in every row")
    columns = max(sum(not tile.apart for tile in row.tiles) for row in rows)
    apart = max(sum(tile.apart for tile in row.tiles) for row in rows)
    width = TEXT_WIDTH_PX + (columns + apart) * COLUMN_PX + 2 * GAP_PX
    width += _APART_PX if apart else 0
    title_lines = wrapped(title, TITLE_SIZE_PX, width - 4 * GAP_PX, 2)
    header = 22 + _TITLE_LINE_PX * len(title_lines)
    height = header + len(rows) * (TILE_HEIGHT_PX + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw_lines(draw, title_lines, (2 * GAP_PX, 14), TITLE_SIZE_PX, _TITLE_LINE_PX, INK)
    for number, row in enumerate(rows):
        top = header + number * (TILE_HEIGHT_PX + GAP_PX)
        _draw_text(draw, row, 2 * GAP_PX, top)
        answers = [tile for tile in row.tiles if not tile.apart]
        extras = [tile for tile in row.tiles if tile.apart]
        left = TEXT_WIDTH_PX + GAP_PX
        for column, tile in enumerate(answers):
            draw_tile(sheet, tile, left + column * COLUMN_PX, top)
        left += columns * COLUMN_PX + _APART_PX
        if extras:
            line = left - (_APART_PX + GAP_PX) // 2
            draw.line((line, top, line, top + TILE_HEIGHT_PX - LABEL_HEIGHT_PX), fill=OTHER)
        for column, tile in enumerate(extras):
            draw_tile(sheet, tile, left + column * COLUMN_PX, top)
    return sheet


def save_contact_sheet(title: str, rows: Sequence[Row], path: Path) -> Path:
    """Draw rows of clips and write them as a PNG, atomically.

    Args:
        title: The sheet's heading.
        rows: What to draw.
        path: The PNG to write; its folder is created if missing.

    Returns:
        The path written.
    """
    return save_png(draw_contact_sheet(title, rows), path)


def save_png(image: Image.Image, path: Path) -> Path:
    """Write a picture as a PNG, atomically; its folder is created if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as beside:
        image.save(beside, format="PNG", optimize=True)
    return path


def draw_tile(sheet: Image.Image, tile: Tile, left: int, top: int) -> None:
    """Draw a clip with its frame and label.

    Args:
        sheet: The picture to draw into.
        tile: The clip.
        left: Left edge of its frame.
        top: Upper edge of its frame.
    """
    draw = ImageDraw.Draw(sheet)
    outer_bottom = top + MAIN_HEIGHT_PX + STRIP_HEIGHT_PX + 2 * BORDER_PX
    outer_right = left + TILE_WIDTH_PX + 2 * BORDER_PX
    colour = RELEVANT if tile.relevant else OTHER
    draw.rectangle((left, top, outer_right - 1, outer_bottom - 1), colour)
    inner = (left + BORDER_PX, top + BORDER_PX)
    images = [Image.fromarray(frame) for frame in tile.frames]
    if images:
        _paste_frames(sheet, images, *inner)
    else:
        draw.rectangle((*inner, outer_right - BORDER_PX - 1, outer_bottom - BORDER_PX - 1), EMPTY)
        draw_lines(draw, ["no frames kept"], (left + 56, top + 92), NOTE_SIZE_PX, 18, FAINT)
    label = cut(tile.label, LABEL_SIZE_PX, TILE_WIDTH_PX + 2 * BORDER_PX)
    ink = RELEVANT if tile.relevant else FAINT
    draw_lines(draw, [label], (left, outer_bottom + 3), LABEL_SIZE_PX, LABEL_HEIGHT_PX, ink)


def draw_lines(
    draw: ImageDraw.ImageDraw,
    lines: Sequence[str],
    place: tuple[int, int],
    size: int,
    line_px: int,
    ink: tuple[int, int, int],
) -> int:
    """Draw lines of text and return the upper edge of what comes below them.

    Args:
        draw: Of the picture.
        lines: The text, as `dvtr_bench.reports.sheet_text.wrapped` breaks it.
        place: Left and upper edge.
        size: Of the font, in pixels.
        line_px: From one line to the next.
        ink: The colour.
    """
    left, top = place
    for line in lines:
        draw.text((left, top), line, fill=ink, font=font_for(line, size))
        top += line_px
    return top


def _draw_text(draw: ImageDraw.ImageDraw, row: Row, left: int, top: int) -> None:
    width = TEXT_WIDTH_PX - 2 * GAP_PX
    lines = wrapped(row.text, TEXT_SIZE_PX, width, _TEXT_LINES)
    top = draw_lines(draw, lines, (left, top), TEXT_SIZE_PX, 23, INK)
    notes = wrapped(row.note, NOTE_SIZE_PX, width, _NOTE_LINES)
    draw_lines(draw, notes, (left, top + 5), NOTE_SIZE_PX, 19, FAINT)


def _paste_frames(sheet: Image.Image, images: Sequence[Image.Image], left: int, top: int) -> None:
    middle = fitted(images[len(images) // 2], (TILE_WIDTH_PX, MAIN_HEIGHT_PX))
    sheet.paste(middle, (left, top))
    strip_width = TILE_WIDTH_PX // STRIP_FRAMES
    for position, image in enumerate(spread(images, STRIP_FRAMES)):
        small = fitted(image, (strip_width, STRIP_HEIGHT_PX))
        sheet.paste(small, (left + position * strip_width, top + MAIN_HEIGHT_PX))
