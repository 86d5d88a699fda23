"""Contact sheets: a picture with a text and a row of clips for each query.

Each clip is drawn as its middle frame over a strip of four frames in time order, so that a still
picture shows motion. Relevant clips have a green frame.
"""

import io
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from dvtr_bench.reports.thumbnails import STRIP_FRAMES, fitted, spread
from dvtr_bench.runtime.files import written_beside
from dvtr_bench.runtime.terminal import printable

if TYPE_CHECKING:
    from dvtr_bench.models.retriever import Frames


Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_WIDER_FONTS: Final = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "arial.ttf",
)
"""Fonts of the system with more letters than Pillow's own, which has ASCII and little else."""

_ELLIPSIS: Final = "..."


def font_for(text: str, size: int) -> Font:
    """Return Pillow's own font, or one of the system if the text needs other letters.

    Args:
        text: What is to be drawn.
        size: In pixels.

    Returns:
        The font that lacks the fewest letters of the text; the first one of equal ones.
    """
    own = ImageFont.load_default(size)
    if text.isascii():
        return own
    letters = set(text) - {" "}
    fonts = [own, *(font for name in _WIDER_FONTS if (font := _system_font(name, size)))]
    return min(fonts, key=lambda font: sum(_lacks(font, letter) for letter in letters))


def wrapped(text: str, size: int, width_px: int, max_lines: int) -> list[str]:
    """Break a text into lines that fit a width; what is too much is cut, with "...".

    Args:
        text: The text of others; control characters become spaces.
        size: Of the font, in pixels.
        width_px: Width of a line.
        max_lines: Most lines, at least 1.

    Returns:
        The lines; a word that is wider than a line is broken.
    """
    shown = printable(text)
    font = font_for(shown, size)
    lines: list[str] = []
    line = ""
    words = [piece for word in shown.split() for piece in _pieces(word, font, width_px)]
    for word in words:
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width_px:
            line = longer
            continue
        lines.append(line)
        line = word
    lines.append(line)
    if len(lines) > max_lines:
        rest = " ".join(lines[max_lines - 1 :])
        lines = [*lines[: max_lines - 1], cut(rest, size, width_px)]
    return lines


def cut(text: str, size: int, width_px: int) -> str:
    """Return a text without control characters, cut at the end with "..." to fit a width."""
    shown = printable(text)
    font = font_for(shown, size)
    if font.getlength(shown) <= width_px:
        return shown

    def ended(letters: int) -> str:
        return f"{shown[:letters].rstrip()}{_ELLIPSIS}"

    return ended(_most(len(shown), lambda letters: font.getlength(ended(letters)) <= width_px))


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number of letters, at most `count`, that fits; 0 always does.

    More letters are wider, so few lengths are measured: a long text would take minutes otherwise.
    """
    end = 1
    while end < count and fits(end):
        end *= 2
    return bisect_left(range(1, min(end, count) + 1), True, key=lambda letters: not fits(letters))


def _pieces(word: str, font: Font, width_px: int) -> list[str]:
    pieces = []
    while font.getlength(word) > width_px and len(word) > 1:
        letters = max(1, _most(len(word) - 1, partial(_fits, word, font, width_px)))
        pieces.append(word[:letters])
        word = word[letters:]
    return [*pieces, word]


def _fits(word: str, font: Font, width_px: int, letters: int) -> bool:
    return font.getlength(word[:letters]) <= width_px


@cache
def _system_font(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _lacks(font: Font, letter: str) -> bool:
    # U+FFFF is no character: every font draws its box for what it lacks.
    return bytes(font.getmask(letter)) == bytes(font.getmask("\uffff"))


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
    content = io.BytesIO()  # Pillow hides what the system says of a full disk
    # With optimize=True, sheets of frames take three times as long and are a fiftieth smaller.
    image.save(content, format="PNG")
    with written_beside(path) as beside:
        beside.write_bytes(content.getbuffer())
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
        lines: The text, as `dvtr_bench.reports.contact_sheet.wrapped` breaks it.
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
