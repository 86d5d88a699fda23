"""Writing of Parquet files that `datasets.load_dataset` reads with the right features."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS: Final = 16
"""Most rows of a row group of config ``default``: a few MB, the unit of streaming and random
access."""

ROW_GROUP_BYTES: Final = 64_000_000
"""Most bytes of frames in a row group; a single row may have more."""

SHARD_ROWS: Final = 2_000
"""Most rows of a file of config ``default``: a writer holds 2 kB of each in memory until it closes
the file. Files of real footage reach their size limit long before."""

TEXT_ROW_GROUP_ROWS: Final = 2_000
"""Most rows of a row group of the configs with only text."""

_IMAGE_BYTES: Final = "frames.list.element.bytes"


def hf_features(schema: pa.Schema) -> Any:
    """Return the Hugging Face features of a schema; frames are images.

    Args:
        schema: Columns of a config.

    Returns:
        `datasets.Features`.
    """
    from datasets import Features, Image, List

    features = Features.from_arrow_schema(schema.remove_metadata())
    if "frames" in features:
        features["frames"] = List(Image())
    return features


def with_metadata(schema: pa.Schema, dvtr: bytes) -> pa.Schema:
    """Add the Hugging Face features and the dataset's identity to a schema's metadata.

    Args:
        schema: Columns of a config.
        dvtr: JSON with name, version and fingerprint, stored under the key ``dvtr``.

    Returns:
        The same columns with metadata.
    """
    huggingface = hf_features(schema).arrow_schema.metadata[b"huggingface"]
    return schema.with_metadata({b"huggingface": huggingface, b"dvtr": dvtr})


def write_parquet(
    path: Path, schema: pa.Schema, batches: Iterable[pa.Table], row_group_rows: int
) -> int:
    """Write one file, batch by batch.

    Args:
        path: The file; its folder must exist.
        schema: Columns and metadata.
        batches: Tables with these columns.
        row_group_rows: Most rows of a row group.

    Returns:
        Bytes of the rows in memory, as Hugging Face's ``num_bytes`` counts them.
    """
    num_bytes = 0
    with pq.ParquetWriter(path, schema, **_options(schema)) as writer:
        for batch in batches:
            writer.write_table(batch.replace_schema_metadata(schema.metadata), row_group_rows)
            num_bytes += batch.nbytes
    return num_bytes


def _options(schema: pa.Schema) -> Mapping[str, Any]:
    """Compress and index all columns except images, which would not become smaller."""
    buffer = io.BytesIO()
    pq.write_table(schema.empty_table(), buffer)
    columns = pq.read_schema(buffer), pq.ParquetFile(buffer).schema
    paths = [columns[1].column(number).path for number in range(len(columns[1].names))]
    not_images = [path for path in paths if path != _IMAGE_BYTES]
    return {
        "compression": {path: "zstd" if path in not_images else "none" for path in paths},
        "use_dictionary": not_images,
        "write_statistics": not_images,
    }
