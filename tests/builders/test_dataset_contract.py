"""What every file of builders/datasets must hold, whatever its dataset."""

import dataclasses
import re

import pytest

from builders.sources.source import DatasetInfo
from dvtr_bench.catalog import DATASETS

WITHOUT_REVISIONS = frozenset({"activitynet", "geotext1652", "lsmdc", "vatex"})
"""Datasets whose publishers have one address a file, without revisions."""


@pytest.mark.parametrize("name", DATASETS.names())
def test_dataset_files(name: str) -> None:
    module = DATASETS.load(name)
    info = module.INFO
    assert isinstance(info, DatasetInfo)
    assert info.name == name
    assert re.fullmatch(r"\d+\.\d+\.\d+", info.version)
    assert info.summary.endswith(".")
    assert len(info.summary) <= 80
    assert info.licence.statement
    assert info.clips_from
    assert callable(module.read)
    assert dataclasses.is_dataclass(module.Options)
    assert module.Options.__dataclass_params__.frozen
    for option in dataclasses.fields(module.Options):
        assert option.metadata["help"], option.name
    for file in info.files.values():
        is_commit = bool(re.search(r"/[0-9a-f]{40}/", file.url))
        is_release = "/releases/download/v" in file.url
        assert is_commit or is_release or name in WITHOUT_REVISIONS, "no revision"
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        fixed = file.sha256 or is_commit or file.in_zip or name in WITHOUT_REVISIONS
        assert fixed, "neither the hash nor the revision is known"
    if info.expected:
        assert info.citation.startswith("@")
        assert info.files
