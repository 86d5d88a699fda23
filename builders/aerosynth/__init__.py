"""aerosynth: rendered short clips as seen from a drone, with full ground truth.

``plan_clips`` makes facts, captions and movements; ``render_clip`` turns a plan into an MP4 file;
``ground_truth`` computes its ground truth.
"""

from builders.aerosynth.camera import DURATION_SECONDS, FPS, HEIGHT_PX, NUM_FRAMES, WIDTH_PX
from builders.aerosynth.ground_truth import EXTRA_FIELDS, GroundTruth, ObjectTruth, ground_truth
from builders.aerosynth.plan import SIZES, ClipPlan, Mention, plan_clips
from builders.aerosynth.render import render_clip, render_frames

__all__ = [
    "DURATION_SECONDS",
    "EXTRA_FIELDS",
    "FPS",
    "HEIGHT_PX",
    "NUM_FRAMES",
    "SIZES",
    "WIDTH_PX",
    "ClipPlan",
    "GroundTruth",
    "Mention",
    "ObjectTruth",
    "ground_truth",
    "plan_clips",
    "render_clip",
    "render_frames",
]
