"""aerosynth: rendered clips as seen from a drone, with full ground truth."""

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from builders.aerosynth import EXTRA_FIELDS, SIZES, ClipPlan, ground_truth, render_clip
from builders.aerosynth.plan import each_plan
from builders.sources.packed import Packed
from builders.sources.source import Clip, DatasetInfo, LicenceRecord, Source, optional
from dvtr_bench.errors import BuildError, ConfigError
from dvtr_bench.video.mp4_writer import encoder_name

RENDERER_VERSION: Final = "1.1.0"
"""Raised with every change that alters a picture, caption or fact."""

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
        "The fingerprint covers the encoded clips. One encoder, which the notes name, writes the "
        "same clips on every machine; another version of it gives another fingerprint, and no "
        "build mixes two.",
        "A score on it says what a model can tell apart, not how it does on real footage.",
    ),
    tags=("drone", "uav", "aerial", "synthetic", "video-text-retrieval"),
)


_SIZES: Final = f"{', '.join(list(SIZES)[:-1])} or {list(SIZES)[-1]}"


@dataclass(frozen=True)
class Options:
    """Options of `dvtr-bench build aerosynth`.

    Raises:
        ConfigError: There is no such size.
    """

    size: str = optional("small", f"how many clips: {_SIZES}", choices=tuple(SIZES))
    seed: int = optional(0, "another seed, other clips of the same kind")
    clips_to: Path | None = optional(None, "a folder that keeps each MP4 file this run renders")

    def __post_init__(self) -> None:
        """Check the size."""
        if self.size not in SIZES:
            raise ConfigError(f"--size {self.size}: expected {_SIZES}")


@dataclass(frozen=True)
class RenderedClip:
    """A clip that is rendered on demand.

    Attributes:
        plan: What to render.
        encoder: Name of the encoder that the dataset is built with.
        keep_in: Folder in which to keep the file; None to remove it after decoding.
    """

    plan: ClipPlan
    encoder: str
    keep_in: Path | None

    @property
    def label(self) -> str:
        """The clip's name."""
        return f"aerosynth {self.plan.clip_id}"

    def identity(self) -> str:
        """Return a hash of the plan, the renderer's version and the encoder."""
        parts = f"{RENDERER_VERSION} {self.encoder} {self.plan!r}"
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    def identity_is_sha256(self) -> bool:
        """False: the file is not rendered yet."""
        return False

    @contextmanager
    def opened(self, scratch: Path) -> Iterator[Path]:
        """Render the clip into an MP4 file and yield its path.

        Raises:
            BuildError: This process has a different encoder than the one that planned the build.
        """
        if encoder_name() != self.encoder:
            raise BuildError(
                f"{self.label}: expected the encoder {self.encoder}, found {encoder_name()} in "
                f"this process on {platform.node()}. Install the same version of av everywhere"
            )
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

    The size large takes about 15 seconds.

    Args:
        options: Size and seed.

    Returns:
        Clips with five captions each and the ground truth as extra columns.
    """
    encoder = encoder_name()
    variant = options.size if options.seed == 0 else f"{options.size}.seed{options.seed}"
    info = replace(
        INFO,
        name=f"aerosynth-{options.size}",
        version=f"{RENDERER_VERSION}+{variant}",
        pretty_name=f"aerosynth {options.size}",
    )
    clips = Packed(
        Clip(
            video_id=plan.clip_id,
            captions=plan.captions,
            split=plan.split,
            footage=RenderedClip(plan, encoder, options.clips_to),
            category=plan.category,
        )
        for plan in each_plan(options.size, options.seed)
    )
    notes = (f"Clips are encoded by {encoder}.",)
    return Source(
        info=info,
        clips=clips,
        extra_fields=EXTRA_FIELDS,
        notes=notes,
        # Clips of one kind of scene look alike by design, and what tells them apart is known.
        seeks_near_duplicates=False,
    )
