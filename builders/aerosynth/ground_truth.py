"""The ground truth of a clip, computed from its plan: boxes, attributes, mentions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from builders.aerosynth.camera import FPS, HEIGHT_PX, NUM_FRAMES, WIDTH_PX
from builders.aerosynth.plan import ClipPlan, Mention
from builders.aerosynth.stage import Performer, clip_to_frame
from dvtr_bench.errors import InputError

FloatArray = npt.NDArray[np.float64]

_OBJECT = pa.struct(
    [
        pa.field("kind", pa.string()),
        pa.field("colour", pa.string()),
        pa.field("action", pa.string()),
        pa.field("direction", pa.string()),
        pa.field("boxes", pa.list_(pa.list_(pa.float32()))),
        pa.field("visibility", pa.list_(pa.float32())),
    ]
)
_FACT = pa.struct([pa.field("name", pa.string()), pa.field("value", pa.string())])
_MENTION = pa.struct(
    [
        pa.field("specificity", pa.int32()),
        pa.field("objects", pa.list_(pa.int32())),
        pa.field("attributes", pa.list_(pa.string())),
    ]
)

EXTRA_FIELDS: tuple[pa.Field, ...] = (
    pa.field("scene", pa.string()),
    pa.field("site", pa.string()),
    pa.field("time_of_day", pa.string()),
    pa.field("camera_motion", pa.string()),
    pa.field("facts", pa.list_(_FACT)),
    pa.field("contrast_group", pa.string()),
    pa.field("contrast_attribute", pa.string()),
    pa.field("objects", pa.list_(_OBJECT)),
    pa.field("caption_mentions", pa.list_(_MENTION)),
)
"""Columns of the dataset that hold the ground truth, beside those that every dataset has."""


@dataclass(frozen=True)
class ObjectTruth:
    """The ground truth of one object.

    Attributes:
        kind: car, van, truck, bus, tractor, harvester, boat, person, ball or smoke.
        colour: A key of ``palette.NAMED``.
        action: What it does.
        direction: left, right, top or bottom: where it ends up relative to where it began on the
            ground, as a camera that does not rotate sees it; None: it stays, comes back
            or plays along.
        boxes: float64 (frames, 4): x0, y0, x1, y1 in pixels of the source frame, clipped to it;
            zeros where the object is out of sight.
        visibility: float64 (frames,): part of the area of its box that lies in the frame, 0 to 1.
        ground: float64 (frames, 2): x and y on the ground, in world units.
        headings: float64 (frames,): heading on the ground in radians, from x (right) to y (down).
    """

    kind: str
    colour: str
    action: str
    direction: str | None
    boxes: FloatArray
    visibility: FloatArray
    ground: FloatArray
    headings: FloatArray


@dataclass(frozen=True)
class GroundTruth:
    """The ground truth of one clip.

    Attributes:
        plan: The clip.
        objects: Its objects, in the order to which mentions refer.
        times_seconds: float64 (frames,): when each source frame is shown.
    """

    plan: ClipPlan
    objects: tuple[ObjectTruth, ...]
    times_seconds: FloatArray

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """What each caption mentions."""
        return self.plan.mentions

    def at(self, frame_pts_seconds: Sequence[float]) -> dict[str, Any]:
        """Values of the extra columns for the frames that a dataset stores.

        Args:
            frame_pts_seconds: When each stored frame is shown in the clip.

        Returns:
            One value for each of ``EXTRA_FIELDS``; boxes as fractions of the frame, 0 to 1.

        Raises:
            InputError: A time is not that of a frame of the clip.
        """
        frames = [self._frame(pts) for pts in frame_pts_seconds]
        plan = self.plan
        size = np.array([WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX], dtype=np.float64)
        return {
            "scene": plan.scene,
            "site": plan.group,
            "time_of_day": plan.time_of_day,
            "camera_motion": plan.camera.motion,
            "facts": [{"name": name, "value": value} for name, value in plan.facts],
            "contrast_group": plan.contrast_group,
            "contrast_attribute": plan.contrast_attribute,
            "objects": [
                {
                    "kind": truth.kind,
                    "colour": truth.colour,
                    "action": truth.action,
                    "direction": truth.direction,
                    "boxes": (truth.boxes[frames] / size).tolist(),
                    "visibility": truth.visibility[frames].tolist(),
                }
                for truth in self.objects
            ],
            "caption_mentions": [
                {
                    "specificity": mention.specificity,
                    "objects": list(mention.objects),
                    "attributes": list(mention.attributes),
                }
                for mention in plan.mentions
            ],
        }

    def _frame(self, pts: float) -> int:
        """Index of the source frame that is shown at a time."""
        index = round(pts * FPS)
        if not 0 <= index < NUM_FRAMES or abs(index / FPS - pts) > 0.5 / FPS:
            raise InputError(
                f"clip {self.plan.clip_id} has no frame at {pts} seconds: expected 0 to "
                f"{(NUM_FRAMES - 1) / FPS} in steps of {1 / FPS}. Pass the times of decoded frames."
            )
        return index


def ground_truth(plan: ClipPlan) -> GroundTruth:
    """Compute the ground truth of a clip without rendering it.

    Args:
        plan: The clip.

    Returns:
        The truth about each source frame and each caption.
    """
    times = np.arange(NUM_FRAMES) / FPS
    matrices = [plan.camera.projection(float(time)) for time in times]
    truths = []
    for actor in plan.actors:
        performer = Performer(actor, times)
        seen = [
            clip_to_frame(performer.outline(frame, matrix)) for frame, matrix in enumerate(matrices)
        ]
        truths.append(
            ObjectTruth(
                kind=actor.kind,
                colour=actor.colour,
                action=actor.action,
                direction=actor.direction,
                boxes=np.stack([box for box, _ in seen]),
                visibility=np.array([part for _, part in seen]),
                ground=performer.poses[:, :2],
                headings=performer.poses[:, 2],
            )
        )
    return GroundTruth(plan, tuple(truths), times)
