"""Text on contact sheets: a font that has its letters, wrapped and cut by its width in pixels."""

from functools import cache
from typing import Final, TypeAlias

from PIL import ImageFont

from dvtr_bench.reports.others_text import printable

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
    letters = len(shown)
    while letters and font.getlength(f"{shown[:letters].rstrip()}{_ELLIPSIS}") > width_px:
        letters -= 1
    return f"{shown[:letters].rstrip()}{_ELLIPSIS}"


def _pieces(word: str, font: Font, width_px: int) -> list[str]:
    pieces = []
    while font.getlength(word) > width_px and len(word) > 1:
        letters = next(
            (n for n in range(len(word) - 1, 1, -1) if font.getlength(word[:n]) <= width_px), 1
        )
        pieces.append(word[:letters])
        word = word[letters:]
    return [*pieces, word]


@cache
def _system_font(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _lacks(font: Font, letter: str) -> bool:
    # U+FFFF is no character: every font draws its box for what it lacks.
    return bytes(font.getmask(letter)) == bytes(font.getmask("\uffff"))
