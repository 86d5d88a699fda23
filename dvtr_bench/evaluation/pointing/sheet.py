"""Drawing of a model's attention maps of one clip, with heat on frames and bars below them.

Every sheet starts with the frames as the model sees them, in full colour. Below, each map has a
row. For a map over patches, it shows the faded frames with heat and with boxes around named
objects, and below each frame a bar for its share of the map. For a map over frames, it shows only
the bars. Heat and bars have the same scale in all sheets, in multiples of a uniform map: a uniform
map shows no heat, and bars up to the line.
"""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dvtr_bench.reports.contact_sheet import FAINT, GAP_PX, INK, OTHER, PAPER
from dvtr_bench.runtime.files import written_beside

FRAME_PX: Final = 120
BAR_HEIGHT_PX: Final = 24
ROW_HEIGHT_PX: Final = BAR_HEIGHT_PX + 26
LABEL_WIDTH_PX: Final = 190
HEAT: Final = (230, 60, 20)
BAR: Final = (200, 84, 40)
BOX: Final = (20, 160, 70)
FULL_SCALE: Final = 4.0
"""Multiple of a uniform map's share at which heat and bars reach their maximum."""

_SCALE_STEPS: Final = 24
_SCALE_STEP_PX: Final = 6


@dataclass(frozen=True, eq=False)
class MapRow:
    """One map of a clip.

    Attributes:
        label: Text to the left of the map, such as ``semantic map 3``.
        frames: float32, F: the share of each frame, with sum 1.
        patches: float32, F x h x w: the share of each patch; None for a map over frames.
        boxes: float64, objects x F x 4, fractions of the part seen: boxes to draw into the frames.
    """

    label: str
    frames: NDArray[np.float32]
    patches: NDArray[np.float32] | None = None
    boxes: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Section:
    """Maps under one heading.

    Attributes:
        heading: A caption or a description of the maps, drawn across the whole sheet.
        rows: The maps.
    """

    heading: str
    rows: Sequence[MapRow]


def crop_seen(frame: NDArray[np.uint8], seen_part: Sequence[float]) -> Image.Image:
    """Crop the part of a frame that a model sees.

    Args:
        frame: uint8, height x width x 3, RGB.
        seen_part: x0, y0, x1, y1 as fractions; black is drawn where they leave the frame.

    Returns:
        The part as a square, at about the frame's own resolution.
    """
    height, width = frame.shape[:2]
    left, top, right, bottom = seen_part
    box = (left * width, top * height, right * width, bottom * height)
    part = Image.fromarray(frame).crop(tuple(round(edge) for edge in box))
    side = max(part.size)
    # A square that was cut out can be a pixel off; a frame that was pressed into one is far off.
    return part if side - min(part.size) <= 1 else part.resize((side, side))


def draw_map_sheet(
    title: str,
    note: str,
    frames: Sequence[Image.Image],
    times_seconds: Sequence[float],
    sections: Sequence[Section],
) -> Image.Image:
    """Draw the maps of one clip.

    Args:
        title: The sheet's heading.
        note: A smaller line below it.
        frames: The frames that the model sees, square, in time order.
        times_seconds: The time of each frame.
        sections: The maps to draw below them.

    Returns:
        An RGB image.
    """
    column = FRAME_PX + 4
    heading = max(_font(22).getlength(title), _font(14).getlength(note))
    width = max(
        LABEL_WIDTH_PX + len(frames) * column + 2 * GAP_PX,
        round(heading) + _SCALE_STEPS * _SCALE_STEP_PX + 3 * GAP_PX,  # of clips of few frames
    )
    height = 84 + FRAME_PX + 26 + sum(map(_section_height, sections)) + GAP_PX
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP_PX, 12), title, fill=INK, font=_font(22))
    draw.text((GAP_PX, 44), note, fill=FAINT, font=_font(14))
    if any(row.patches is not None for section in sections for row in section.rows):
        _draw_scale(draw, width)
    top = 84
    _label(draw, "the frames, as the model sees them", top)
    for place, (frame, seconds) in enumerate(zip(frames, times_seconds, strict=True)):
        left = LABEL_WIDTH_PX + place * column
        sheet.paste(ImageOps.fit(frame, (FRAME_PX, FRAME_PX)), (left, top))
        draw.text((left, top + FRAME_PX + 2), f"{seconds:.2f} s", fill=FAINT, font=_font(13))
    top += FRAME_PX + 26
    for section in sections:
        draw.line((GAP_PX, top + 4, width - GAP_PX, top + 4), fill=OTHER)
        draw.text((GAP_PX, top + 12), _fitted(section.heading, width), fill=INK, font=_font(17))
        top += 42
        for row in section.rows:
            _draw_row(sheet, draw, row, frames, top)
            top += _row_height(row)
    return sheet


def save_map_sheet(sheet: Image.Image, path: Path) -> Path:
    """Write a sheet as a PNG file under another name and rename it; its folder is created.

    Args:
        sheet: The sheet from `draw_map_sheet`.
        path: The PNG file to write.

    Returns:
        The path written.
    """
    content = io.BytesIO()  # Pillow hides what the system says of a full disk
    sheet.save(content, format="PNG")
    with written_beside(path) as beside:
        beside.write_bytes(content.getbuffer())
    return path


def _draw_row(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    row: MapRow,
    frames: Sequence[Image.Image],
    top: int,
) -> None:
    _label(draw, row.label, top)
    heat = None if row.patches is None else _scaled(row.patches)
    bars = _scaled(row.frames)
    for place, frame in enumerate(frames):
        left = LABEL_WIDTH_PX + place * (FRAME_PX + 4)
        below = top
        if heat is not None:
            sheet.paste(_heated(frame, np.maximum(heat[place] - 1, 0)), (left, top))
            for x0, y0, x1, y1 in () if row.boxes is None else row.boxes[:, place]:
                if x1 > x0 and y1 > y0:
                    corner = (left + round(x0 * FRAME_PX), top + round(y0 * FRAME_PX))
                    opposite = (left + round(x1 * FRAME_PX), top + round(y1 * FRAME_PX))
                    draw.rectangle((corner, opposite), outline=BOX, width=2)
            below += FRAME_PX + 3
        base = below + BAR_HEIGHT_PX
        bar = round(BAR_HEIGHT_PX * min(float(bars[place]) / FULL_SCALE, 1.0))
        if bar:
            draw.rectangle((left, base - bar, left + FRAME_PX - 1, base), fill=BAR)
        line = base - round(BAR_HEIGHT_PX / FULL_SCALE)
        draw.line((left, line, left + FRAME_PX - 1, line), fill=FAINT)
        told = f"{100 * float(row.frames[place]):.1f}%"
        draw.text((left, base + 2), told, fill=FAINT, font=_font(12))


def _scaled(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return shares as multiples of a uniform map's."""
    scaled: NDArray[np.float32] = shares * np.float32(shares.size)
    return scaled


def _heated(frame: Image.Image, excess: NDArray[np.float32]) -> Image.Image:
    """Fade a frame and draw heat over it, with the resolution of the map."""
    small = ImageOps.fit(frame, (FRAME_PX, FRAME_PX))
    grey = ImageOps.grayscale(small).convert("RGB")
    faded = Image.blend(Image.blend(small, grey, 0.5), Image.new("RGB", small.size, PAPER), 0.2)
    strength = np.minimum(excess / (FULL_SCALE - 1), 1) * 200
    mask = Image.fromarray(strength.astype(np.uint8)).resize(small.size, Image.Resampling.NEAREST)
    faded.paste(Image.new("RGB", small.size, HEAT), mask=mask)
    return faded


def _draw_scale(draw: ImageDraw.ImageDraw, width: int) -> None:
    steps, step_px, top = _SCALE_STEPS, _SCALE_STEP_PX, 18
    left = width - GAP_PX - steps * step_px
    for step in range(steps):
        part = step / (steps - 1) * 200 / 255
        mixed = (round(p + part * (h - p)) for p, h in zip(PAPER, HEAT, strict=True))
        x = left + step * step_px
        draw.rectangle((x, top, x + step_px, top + 14), fill=tuple(mixed))
    draw.rectangle((left, top, left + steps * step_px, top + 14), outline=OTHER)
    draw.text((left, top + 18), "1 x", fill=FAINT, font=_font(12))
    told = f"{FULL_SCALE:.0f} x uniform"
    draw.text((width - GAP_PX - 72, top + 18), told, fill=FAINT, font=_font(12))


def _label(draw: ImageDraw.ImageDraw, text: str, top: int) -> None:
    for line in textwrap.wrap(text, width=24, max_lines=4, placeholder=" ..."):
        draw.text((GAP_PX, top), line, fill=INK, font=_font(14))
        top += 18


def _row_height(row: MapRow) -> int:
    return ROW_HEIGHT_PX + (0 if row.patches is None else FRAME_PX + 3)


def _section_height(section: Section) -> int:
    return 42 + sum(map(_row_height, section.rows))


def _fitted(text: str, width: int) -> str:
    room = (width - 2 * GAP_PX) // 8
    return text if len(text) <= room else text[: room - 4] + " ..."


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
