"""The backbone of the quickstart: a CLIP small enough to train from scratch on two CPU cores."""

from typing import Any, Final

TINY_CONFIG: Final[dict[str, Any]] = {
    "embed_dim": 128,
    "vision_cfg": {
        "image_size": 112,
        "patch_size": 14,
        "layers": 3,
        "width": 128,
        "head_width": 64,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 128,
        "heads": 2,
        "layers": 2,
    },
}
"""In the form of open_clip's model configurations.

Measured on aerosynth, small: a vision transformer of 14 px patches learned faster per second of
CPU than CLIP's ResNet at the same size, and 8 px patches gained nothing for their cost.
"""
