"""Writes Parquet files that `datasets.load_dataset` reads with the right features."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS: Final = 16
"""Rows in a row group of config ``default``: a few MB, what streaming and random access read."""

ROW_GROUP_BYTES: Final = 64_000_000
"""Frames in a row group at most, unless a single row has more: rows of many or large frames."""

SHARD_ROWS: Final = 2_000
"""Rows in a file of config ``default`` at most: a writer remembers 2 kB of each until it closes the
file. Files of real footage reach their bytes long before."""

TEXT_ROW_GROUP_ROWS: Final = 2_000
"""Rows in a row group of configs that hold text alone."""

_IMAGE_BYTES: Final = "frames.list.element.bytes"


def hf_features(schema: pa.Schema) -> Any:
    """Return Hugging Face features for a schema: frames are images, all else is as it is.

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
    """Put features and the dataset's name into a schema's metadata.

    Args:
        schema: Columns of a config.
        dvtr: JSON of name, version and fingerprint, under the key ``dvtr``.

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
        path: The file; its folder is there.
        schema: Columns and metadata.
        batches: Tables of these columns.
        row_group_rows: Rows in a row group at most.

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
    """Compress and index everything but the images, which gain nothing from it."""
    buffer = io.BytesIO()
    pq.write_table(schema.empty_table(), buffer)
    columns = pq.read_schema(buffer), pq.ParquetFile(buffer).schema
    paths = [columns[1].column(number).path for number in range(len(columns[1].names))]
    light = [path for path in paths if path != _IMAGE_BYTES]
    return {
        "compression": {path: "zstd" if path in light else "none" for path in paths},
        "use_dictionary": light,
        "write_statistics": light,
    }
