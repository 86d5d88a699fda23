"""Contact sheets: a picture with a text and a row of clips for each query.

Each clip is drawn as its middle frame over a strip of four frames in time order, so that a still
picture shows motion. Relevant clips have a green frame.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from dvtr_bench.runtime.files import written_beside

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames

TILE_WIDTH_PX: Final = 208
MAIN_HEIGHT_PX: Final = 156
STRIP_HEIGHT_PX: Final = 39
STRIP_FRAMES: Final = 4
LABEL_HEIGHT_PX: Final = 22
TEXT_WIDTH_PX: Final = 330
GAP_PX: Final = 12
BORDER_PX: Final = 4

PAPER: Final = (250, 250, 248)
INK: Final = (32, 33, 36)
FAINT: Final = (118, 120, 124)
RELEVANT: Final = (22, 138, 62)
OTHER: Final = (214, 214, 210)


@dataclass(frozen=True)
class Tile:
    """One clip of a row.

    Attributes:
        frames: Its stored frames, RGB uint8, in time order.
        label: The text below it, such as its rank and score.
        relevant: Whether it is a right answer.
    """

    frames: "Frames"
    label: str
    relevant: bool = False


@dataclass(frozen=True)
class Row:
    """One query with its clips.

    Attributes:
        text: The query or heading.
        note: A smaller line below it, such as where the right clip was ranked.
        tiles: The clips, best first.
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
    columns = max(len(row.tiles) for row in rows)
    tile_height = MAIN_HEIGHT_PX + STRIP_HEIGHT_PX + LABEL_HEIGHT_PX + 2 * BORDER_PX
    header = 52
    width = TEXT_WIDTH_PX + columns * (TILE_WIDTH_PX + 2 * BORDER_PX + GAP_PX) + 2 * GAP_PX
    height = header + len(rows) * (tile_height + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((2 * GAP_PX, 14), title, fill=INK, font=_font(22))
    for number, row in enumerate(rows):
        top = header + number * (tile_height + GAP_PX)
        _draw_text(draw, row, 2 * GAP_PX, top)
        for column, tile in enumerate(row.tiles):
            left = TEXT_WIDTH_PX + GAP_PX + column * (TILE_WIDTH_PX + 2 * BORDER_PX + GAP_PX)
            _draw_tile(sheet, draw, tile, left, top)
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
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as beside:
        draw_contact_sheet(title, rows).save(beside, format="PNG", optimize=True)
    return path


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _draw_text(draw: ImageDraw.ImageDraw, row: Row, left: int, top: int) -> None:
    lines = textwrap.wrap(row.text, width=36, max_lines=7, placeholder=" ...") or [""]
    for line in lines:
        draw.text((left, top), line, fill=INK, font=_font(17))
        top += 23
    for line in textwrap.wrap(row.note, width=44, max_lines=2, placeholder=" ..."):
        draw.text((left, top + 5), line, fill=FAINT, font=_font(14))
        top += 19


def _draw_tile(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, left: int, top: int
) -> None:
    outer_bottom = top + MAIN_HEIGHT_PX + STRIP_HEIGHT_PX + 2 * BORDER_PX
    colour = RELEVANT if tile.relevant else OTHER
    draw.rectangle((left, top, left + TILE_WIDTH_PX + 2 * BORDER_PX - 1, outer_bottom - 1), colour)
    left += BORDER_PX
    top += BORDER_PX
    images = [Image.fromarray(frame) for frame in tile.frames]
    if images:
        middle = ImageOps.fit(images[len(images) // 2], (TILE_WIDTH_PX, MAIN_HEIGHT_PX))
        sheet.paste(middle, (left, top))
        strip_width = TILE_WIDTH_PX // STRIP_FRAMES
        for position in range(STRIP_FRAMES):
            image = images[round(position * (len(images) - 1) / (STRIP_FRAMES - 1))]
            small = ImageOps.fit(image, (strip_width, STRIP_HEIGHT_PX))
            sheet.paste(small, (left + position * strip_width, top + MAIN_HEIGHT_PX))
    label = tile.label if len(tile.label) <= 34 else tile.label[:31] + "..."
    draw.text(
        (left, outer_bottom + 3), label, fill=RELEVANT if tile.relevant else FAINT, font=_font(13)
    )
