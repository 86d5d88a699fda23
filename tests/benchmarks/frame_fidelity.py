"""How close stored frames come to frames decoded afresh, after CLIP's own preprocessing.

    python tests/benchmarks/frame_fidelity.py --clips DIR

prints a table: JPEG quality x chroma -> mean PSNR, mean SSIM, bytes a frame. The fresh side takes
the decoded picture at its full size through CLIP's transform; the stored side goes through
`extract_frames`, the encoder and then the same transform.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from dvtr_bench.video.decode import ClipDecoder
from dvtr_bench.video.extract import extract_frames
from dvtr_bench.video.frame_store import FrameFormat, decode_frame, encode_frame
from dvtr_bench.video.sampling import Sampling
from tests.oracles.image_similarity import psnr_db, ssim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

QUALITIES = (80, 85, 90, 92, 94, 95, 96, 97, 98)
CHROMAS = ("4:2:0", "4:2:2", "4:4:4")
_CLIP_SUFFIXES = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".ts"}


@dataclass(frozen=True)
class Fidelity:
    """One line of the table, means over frames."""

    frame_format: FrameFormat
    psnr_db: float
    ssim: float
    frame_bytes: float
    worst_psnr_db: float


def clip_preprocessing(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CLIP's transform up to its normalisation, by its own words: resize and crop a PIL image."""
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    transform = Compose([Resize(224, InterpolationMode.BICUBIC), CenterCrop(224)])
    return np.asarray(transform(Image.fromarray(picture)), dtype=np.float64) / 255


def fresh_and_stored(
    path: Path, sampling: Sampling
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.uint8]]]:
    """The sampled frames of a clip: preprocessed afresh, and as they go to the encoder."""
    clip = extract_frames(path, sampling)
    decoder = ClipDecoder(path)
    fresh = {frame.index: clip_preprocessing(frame.rgb()) for frame in decoder}
    for index, stored in zip(sampling.pick(decoder.timeline), clip.frames, strict=True):
        yield fresh[index], stored


def measure(
    pairs: list[tuple[NDArray[np.float64], NDArray[np.uint8]]], frame_format: FrameFormat
) -> Fidelity:
    """Encode, decode, preprocess and compare."""
    psnrs, ssims, sizes = [], [], []
    for fresh, stored in pairs:
        data = encode_frame(stored, frame_format)
        again = clip_preprocessing(decode_frame(data))
        psnrs.append(psnr_db(fresh, again))
        ssims.append(ssim(fresh, again))
        sizes.append(len(data))
    return Fidelity(
        frame_format,
        float(np.mean(psnrs)),
        float(np.mean(ssims)),
        float(np.mean(sizes)),
        min(psnrs),
    )


def main() -> None:
    """Measure every quality and chroma over a folder of clips."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True, help="a folder of clips")
    parser.add_argument("--sampling", default="uniform:12")
    parser.add_argument("--qualities", type=int, nargs="+", default=QUALITIES)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(path for path in options.clips.iterdir() if path.suffix in _CLIP_SUFFIXES)
    sampling = Sampling.parse(options.sampling)
    pairs = [pair for path in paths for pair in fresh_and_stored(path, sampling)]
    formats = [
        FrameFormat("jpeg", quality, chroma)
        for quality, chroma in itertools.product(options.qualities, CHROMAS)
    ]
    print(f"{len(paths)} clips, {len(pairs)} frames")
    print("format | mean PSNR dB | lowest PSNR dB | mean SSIM | bytes a frame")
    for frame_format in [*formats, FrameFormat("png")]:
        row = measure(pairs, frame_format)
        name = frame_format.kind
        if name == "jpeg":
            name = f"jpeg {frame_format.jpeg_quality} {frame_format.jpeg_chroma}"
        print(
            f"{name} | {row.psnr_db:.2f} | {row.worst_psnr_db:.2f} | {row.ssim:.4f} | "
            f"{row.frame_bytes:,.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
