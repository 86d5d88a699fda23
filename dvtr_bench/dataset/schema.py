"""The columns that every built dataset has.

`datasets.load_dataset` reads them without a script: the Hugging Face features are in the Parquet
metadata, and the card's YAML lists the files of each config.
"""

from typing import Final

import pyarrow as pa

FORMAT_VERSION: Final = 1
"""Version of the files' format, raised whenever an older reader would misread a newer dataset."""

SPLITS: Final = ("train", "validation", "test")

CONFIGS: Final = ("default", "captions", "qrels")

IMAGE: Final = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

VIDEO_FIELDS: Final = (
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("category", pa.string()),
    pa.field("captions", pa.list_(pa.string()), nullable=False),
    pa.field("frames", pa.list_(IMAGE)),
    pa.field("frame_pts_seconds", pa.list_(pa.float64())),
    pa.field("duration_seconds", pa.float64()),
    pa.field("source_fps", pa.float64()),
    pa.field("source_width_px", pa.int32()),
    pa.field("source_height_px", pa.int32()),
    pa.field("source_num_frames", pa.int32()),
    pa.field("source_codec", pa.string()),
    pa.field("source_colour", pa.string()),
    pa.field("rotation_degrees", pa.int32()),
    pa.field("clip_sha256", pa.string()),
    pa.field("perceptual_hash", pa.int64()),
)
"""Config ``default``: one row a video. Without frames, every field after ``captions`` is null."""

CAPTION_FIELDS: Final = (
    pa.field("caption_id", pa.string(), nullable=False),
    pa.field("video_id", pa.string(), nullable=False),
    pa.field("caption", pa.string(), nullable=False),
)
"""Config ``captions``: one row a caption, a query of the recall protocol."""

QREL_FIELDS: Final = (
    pa.field("query-id", pa.string(), nullable=False),
    pa.field("corpus-id", pa.string(), nullable=False),
    pa.field("score", pa.int32(), nullable=False),
)
"""Config ``qrels``: which video is relevant to which caption (BEIR's column names)."""
