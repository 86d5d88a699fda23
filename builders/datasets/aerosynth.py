"""aerosynth: clips seen from a drone, drawn by rule, with everything about them known."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from builders.aerosynth import EXTRA_FIELDS, SIZES, ClipPlan, ground_truth, plan_clips, render_clip
from builders.options import optional
from builders.source import Clip, DatasetInfo, LicenceRecord, Source
from dvtr_bench.errors import ConfigError

RENDERER_VERSION: Final = "1.0.1"
"""Raised with every change that another picture, caption or fact comes out of."""

INFO: Final = DatasetInfo(
    name="aerosynth",
    version=RENDERER_VERSION,
    pretty_name="aerosynth",
    summary="Clips seen from a drone, drawn by rule: a diagnostic set with full ground truth.",
    description=(
        "aerosynth is a diagnostic set, not a substitute for footage. A procedural renderer draws "
        "short clips as a drone sees them (roads, fields, water, roofs, woods, car parks; cars, "
        "trucks, buses, boats, harvesters, people, smoke, ball games) under a camera that pans, "
        "climbs, turns or hovers, and a grammar writes five captions each, from vague to exact, "
        "some of which need the order of events. It copies what makes drone video retrieval hard: "
        "few backgrounds are shared by many clips, so that only the objects and what they do tell "
        "clips apart, and clips come in groups that differ in one attribute (`contrast_group`, "
        "`contrast_attribute`). Vague captions fit several clips on purpose: that is what the "
        "ceilings below measure. Extra columns hold the ground truth: object boxes at each stored "
        "frame as fractions of it, facts, and what each caption mentions."
    ),
    licence=LicenceRecord(
        "apache-2.0",
        "Made by dvtr-bench itself, under the program's own licence, Apache-2.0.",
        "https://www.apache.org/licenses/LICENSE-2.0",
    ),
    clips_from="rendered while building; nothing is downloaded",
    flaws=(
        "Clips are 288x224 pixels, 4 seconds, 8 frames a second.",
        "Backgrounds are shared by train, validation and test on purpose; a contrast group lies in "
        "one split as a whole, and no two clips share event, background and facts.",
        "Left, right, top and bottom are as seen in the picture and are never said of a rotating "
        "view; a driver's turn is as the driver sees it.",
        "Parked cars of the car park belong to the background: no boxes, never counted.",
        "People and balls are drawn larger than life, so that their colours can be seen.",
        "The fingerprint covers the encoded clips: another build of the H.264 encoder can give "
        "another fingerprint for the same pictures.",
        "A score on it says what a model can tell apart, not how it does on real footage.",
    ),
    tags=("drone", "uav", "aerial", "synthetic", "video-text-retrieval"),
)


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build aerosynth`.

    Raises:
        ConfigError: There is no such size.
    """

    size: str = optional("small", f"how many clips: {' or '.join(SIZES)}")
    seed: int = optional(0, "another seed, other clips of the same kind")
    keep_clips: Path | None = optional(None, "a folder that keeps each MP4 file this run renders")

    def __post_init__(self) -> None:
        """Check the size."""
        if self.size not in SIZES:
            raise ConfigError(f"--size {self.size}: expected {' or '.join(SIZES)}")


@dataclass(frozen=True)
class RenderedClip:
    """Footage that is rendered when it is wanted.

    Attributes:
        plan: What to render.
        keep_in: The folder that the file is kept in; None to remove it once it is decoded.
    """

    plan: ClipPlan
    keep_in: Path | None

    @property
    def label(self) -> str:
        """The clip's name."""
        return f"aerosynth {self.plan.clip_id}"

    def identity(self) -> str:
        """Return a hash of the plan and of the renderer's version."""
        return hashlib.sha256(f"{RENDERER_VERSION} {self.plan!r}".encode()).hexdigest()

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Render the clip into a real MP4 file and give it."""
        if self.keep_in is not None:
            self.keep_in.mkdir(parents=True, exist_ok=True)
            path = self.keep_in / f"{self.plan.clip_id}.mp4"
            render_clip(self.plan, path)
            yield path
            return
        path = scratch / f"{self.plan.clip_id}.part.mp4"
        try:
            render_clip(self.plan, path)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def columns(self, frame_pts_seconds: Sequence[float]) -> Mapping[str, Any]:
        """Return the ground truth at the stored frames."""
        return ground_truth(self.plan).at(frame_pts_seconds)


def read(options: Options) -> Source:
    """Plan the clips; they are rendered when they are decoded.

    Args:
        options: How many, and by which seed.

    Returns:
        Clips with five captions each and the ground truth as extra columns.
    """
    plans = plan_clips(options.size, options.seed)
    variant = options.size if options.seed == 0 else f"{options.size}.seed{options.seed}"
    info = replace(
        INFO,
        name=f"aerosynth-{options.size}",
        version=f"{RENDERER_VERSION}+{variant}",
        pretty_name=f"aerosynth {options.size}",
    )
    clips = tuple(
        Clip(
            video_id=plan.clip_id,
            captions=plan.captions,
            split=plan.split,
            footage=RenderedClip(plan, options.keep_clips),
            category=plan.category,
        )
        for plan in plans
    )
    return Source(info=info, clips=clips, extra_fields=EXTRA_FIELDS)
