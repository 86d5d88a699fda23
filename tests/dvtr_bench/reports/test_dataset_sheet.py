"""The contact sheet of a dataset: which clips, their texts, frames of any shape."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dvtr_bench as dvtr
from dvtr_bench.dataset.manifest import LicenceRecord
from dvtr_bench.errors import ConfigError, NotFoundError
from dvtr_bench.reports.contact_sheet import cut, font_for, wrapped
from dvtr_bench.reports.thumbnails import (
    SIZE_PX,
    STRIP_SIZE_PX,
    Thumbnail,
    fitted,
    frames_of,
    is_whole,
    make_thumbnail,
    may_be_shown,
)
from tests.builders.forging import build_toy


def test_clips_are_spread_or_drawn_and_every_one_has_room(tmp_path: Path) -> None:
    built = build_toy(tmp_path)
    videos = sum(len(built.split(name)) for name in built)
    whole = dvtr.draw_dataset(built, clips=1000)
    assert dvtr.draw_dataset(built, clips=videos).tobytes() == whole.tobytes()
    one = dvtr.draw_dataset(built, "test", clips=1)
    assert one.size[0] == whole.size[0]
    assert one.size[1] < whole.size[1]
    drawn = [dvtr.draw_dataset(built, clips=3, seed=seed).tobytes() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(ConfigError, match="at least one clip"):
        dvtr.draw_dataset(built, clips=0)
    with pytest.raises(NotFoundError, match="has no dev split"):
        dvtr.draw_dataset(built, "dev")
    bare = build_toy(tmp_path, name="bare", frames=None)
    with pytest.raises(NotFoundError, match="built without frames"):
        dvtr.draw_dataset(bare)


@pytest.mark.parametrize(
    ("shape", "has_edges"), [((90, 120), False), ((90, 160), False), ((160, 90), True)]
)
def test_a_frame_is_cropped_a_little_and_never_much(
    shape: tuple[int, int], has_edges: bool
) -> None:
    image = Image.fromarray(np.full((*shape, 3), (200, 10, 10), np.uint8))
    pixels = np.asarray(fitted(image, (160, 120)))
    assert pixels.shape == (120, 160, 3)
    red = (pixels == (200, 10, 10)).all(axis=2)
    assert red.all() != has_edges
    assert red[:, 80].all()


@pytest.mark.parametrize("frames", [1, 3, 12])
def test_a_thumbnail_has_the_middle_frame_and_four_in_order(frames: int) -> None:
    grey = [np.full((120, 160, 3), 20 * number, np.uint8) for number in range(frames)]
    made = make_thumbnail(grey)
    assert made is not None
    assert is_whole(made)
    shown = [frame.mean() for frame in frames_of(made)]
    wanted = [20 * round(number * (frames - 1) / 3) for number in range(4)]
    assert np.allclose(shown, wanted, atol=2)
    assert not is_whole(Thumbnail(made.middle, made.middle))
    assert not is_whole(Thumbnail(made.middle[:-200], made.strip))
    assert not is_whole(Thumbnail(b"<script>", made.strip))
    assert make_thumbnail([]) is None
    assert STRIP_SIZE_PX[0] == 4 * SIZE_PX[0]


def test_only_a_named_licence_lets_frames_be_shown() -> None:
    allowed = {name: may_be_shown(LicenceRecord(name, "", None)) for name in ("cc-by-4.0", "other")}
    assert allowed == {"cc-by-4.0": True, "other": False}


@pytest.mark.parametrize(
    "text", ["word " * 90, "x" * 900, "x" * 3000, "", "a\x1b[31mb\u202ec", "é" * 300]
)
def test_text_fits_its_width_and_number_of_lines(text: str) -> None:
    lines = wrapped(text, 17, 200, 3)
    assert 1 <= len(lines) <= 3
    assert all(font_for(line, 17).getlength(line) <= 200 for line in lines)
    assert lines[-1].endswith("...") == (len(text) > 90)
    assert not set("".join(lines)) & set("\x1b\u202e")
    assert font_for(cut(text, 13, 100), 13).getlength(cut(text, 13, 100)) <= 100


def test_short_text_stays_as_it_is() -> None:
    assert wrapped("two cars on a road", 17, 500, 3) == ["two cars on a road"]
    assert cut("clip 7", 13, 200) == "clip 7"
