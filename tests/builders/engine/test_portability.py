"""The Parquet files alone are read by every version of datasets from 3 on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, Image, List, load_dataset

from builders.aerosynth.ground_truth import EXTRA_FIELDS
from builders.checks.verify.verify import verify_dataset
from builders.engine.parquet import hf_features, portable_features, with_metadata
from dvtr_bench.dataset.manifest import CAPTION_FIELDS, QREL_FIELDS, VIDEO_FIELDS
from dvtr_bench.dataset.reader import open_dataset
from tests.builders.forging import build_toy, rehash, write_again

TYPES_OF_3 = {
    *("Value", "ClassLabel", "Translation", "TranslationVariableLanguages", "Sequence"),
    *("Array2D", "Array3D", "Array4D", "Array5D", "Audio", "Image"),
}
"""`datasets.features.features._FEATURE_TYPES` of datasets 3.0.0."""

SCHEMAS = {
    "default": pa.schema([*VIDEO_FIELDS, pa.field("places", pa.list_(pa.string()))]),
    "aerosynth": pa.schema([*VIDEO_FIELDS, *EXTRA_FIELDS]),
    "captions": pa.schema(CAPTION_FIELDS),
    "qrels": pa.schema(QREL_FIELDS),
}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object of a feature, as 3.x walks them."""
    for part in value if isinstance(value, list) else value.values():
        if isinstance(part, dict | list):
            yield from nodes(part)
    if isinstance(value, dict):
        yield value


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_metadata_keep_to_the_words_of_version_3(name: str) -> None:
    schema = SCHEMAS[name]
    written = with_metadata(schema, b"{}").metadata[b"huggingface"]
    features = json.loads(written)["info"]["features"]
    assert list(features) == schema.names
    for node in nodes(features):
        assert isinstance(node.get("_type", "Value"), str)
        assert node.get("_type", "Value") in TYPES_OF_3
        if node.get("_type") == "Sequence":
            # 3.x reads a Sequence of a struct as a struct of lists, and would refuse the column.
            assert "_type" in node["feature"]
        if node.get("_type") == "Value":
            assert pa.type_for_alias(node["dtype"]) is not None


def test_lists_of_structs_stay_lists() -> None:
    metadata = with_metadata(SCHEMAS["aerosynth"], b"{}").metadata[b"huggingface"]
    features = json.loads(metadata)["info"]["features"]
    assert features["frames"] == {"feature": {"_type": "Image"}, "_type": "Sequence"}
    assert features["facts"] == [
        {
            "name": {"dtype": "string", "_type": "Value"},
            "value": {"dtype": "string", "_type": "Value"},
        }
    ]
    boxes = features["objects"][0]["boxes"]
    assert boxes["feature"]["feature"] == {"dtype": "float32", "_type": "Value"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_installed_version_reads_the_same_features(name: str) -> None:
    schema = SCHEMAS[name]
    read = Features.from_arrow_schema(with_metadata(schema, b"{}"))
    assert read.arrow_schema.types == schema.types
    assert portable_features(read) == portable_features(hf_features(schema))


def test_the_files_alone_load_with_their_pictures(tmp_path: Path) -> None:
    built = build_toy(tmp_path)
    files = str(built.folder / "data" / "*.parquet")
    loaded = load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.features["frames"] == List(Image())
    row = loaded[0]
    assert row["frames"][0].size == (298, 224)
    assert row["captions"][1] == "a lake from above"


def test_a_dataset_built_before_is_intact(toy_before: Path) -> None:
    dataset = open_dataset(toy_before)
    assert verify_dataset(dataset, progress=False).findings == ()
    assert dataset["test"][0].frames[0].shape == (224, 298, 3)


@pytest.fixture
def toy_before(tmp_path: Path) -> Path:
    """A dataset whose metadata have the spelling of datasets 4, as earlier builds have."""
    folder = build_toy(tmp_path).folder
    for path in sorted(folder.glob("*/*.parquet")):
        table = pq.read_table(path)
        features = hf_features(table.schema).arrow_schema.metadata[b"huggingface"]
        metadata = {**table.schema.metadata, b"huggingface": features}
        write_again(path, table.replace_schema_metadata(metadata))
        assert (b'"List"' in features) == (path.parent.name == "data")
    rehash(folder)
    return folder
