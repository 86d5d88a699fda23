"""HDR footage is shown as SDR, by the formulas of the Recommendations."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dvtr_bench.video.decode import ClipDecoder
from dvtr_bench.video.tone_mapping import tone_map
from tests.fixtures.barcode_clips import write_clip
from tests.oracles.ffmpeg_frames import reference_planes
from tests.oracles.hdr_to_sdr import hdr_to_sdr

if TYPE_CHECKING:
    from pathlib import Path

TRANSFERS = {"pq": "smpte2084", "hlg": "arib-std-b67"}
TOP = 4095


def write_tagged(path: Path, transfer: str) -> Path:
    """Write a clip of 10 bits with BT.2020's primaries and matrix."""
    tags = f"color_trc={transfer}:color_primaries=bt2020:colorspace=bt2020nc:range=limited"
    # Around the conversion: older versions of ffmpeg drop the tags there.
    vf = f"setparams={tags},format=yuv444p10le,setparams={tags}"
    return write_clip(path, 5, vcodec="ffv1", vf=vf)


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("wide_gamut", [True, False])
def test_pixels_follow_the_recommendations(transfer: str, wide_gamut: bool) -> None:
    greys = np.repeat(np.arange(TOP + 1)[:, None], 3, axis=1)
    colours = np.array(list(product(range(0, TOP + 1, 273), repeat=3)))
    signal = np.concatenate([greys, colours]).astype(np.uint16)
    red, green, blue = (np.ascontiguousarray(signal[None, :, i]) for i in range(3))
    picture = tone_map(red, green, blue, transfer, wide_gamut=wide_gamut)[0]
    expected = 255 * hdr_to_sdr(signal / TOP, transfer, wide_gamut=wide_gamut)
    # Rounded to the nearest, but for values next to a half.
    assert np.abs(picture - expected).max() < 0.5 + 0.02


def test_reference_points() -> None:
    signal = np.array([[0, 0.75, 1.0]]) * TOP  # black, HLG's diffuse white, its peak
    grey = signal.round().astype(np.uint16)
    black, white, peak = tone_map(grey, grey, grey, "hlg")[0, :, 0].tolist()
    assert (black, peak) == (0, 255)
    assert 225 < white < 240


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_clip_tagged_as_hdr_is_tone_mapped(tmp_path: Path, transfer: str) -> None:
    path = write_tagged(tmp_path / "hdr.mkv", TRANSFERS[transfer])
    decoder = ClipDecoder(path)
    pictures = [frame.rgb() for frame in decoder]
    assert decoder.facts.treatment == (f"tone-mapped: {transfer}",)
    assert decoder.facts.colour == "bt2020 (tagged), limited range (tagged)"
    y, u, v = reference_planes(path, 160, 96, "yuv444p10le")[2] / 4
    luma, pb, pr = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    r, b = luma + 2 * (1 - 0.2627) * pr, luma + 2 * (1 - 0.0593) * pb
    g = (luma - 0.2627 * r - 0.0593 * b) / 0.678
    expected = 255 * hdr_to_sdr(np.clip(np.stack([r, g, b], axis=-1), 0, 1), transfer)
    assert np.abs(pictures[2] - expected).mean() < 1


def test_sdr_of_wide_gamut_is_left_alone(tmp_path: Path) -> None:
    decoder = ClipDecoder(write_tagged(tmp_path / "sdr.mkv", "bt2020-10"))
    assert sum(1 for _ in decoder) == 5
    assert decoder.facts.colour == "bt2020 (tagged), limited range (tagged)"
    assert decoder.facts.treatment == ()
