"""Small models as the libraries save them, each made once; nothing reaches the network."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dvtr_bench.dataset.reader import BuiltDataset
from tests.fixtures.cross_encoders import save_cross_encoder
from tests.fixtures.no_network import refuse_network
from tests.fixtures.published_models import save_model, save_sentence_model
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a small model: of transformers by its kind, or ``st:`` and its kind.

    ``cross:videos`` is a cross-encoder that takes videos.
    """
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in made:
            source, _, inner = kind.rpartition(":")
            where = tmp_path_factory.mktemp("published") / f"small-{inner}"
            if source == "cross":
                made[kind] = save_cross_encoder(where, depth=1)
            elif source:
                made[kind] = save_sentence_model(inner, where)
            else:
                made[kind] = save_model(inner, where)
        return made[kind]

    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltDataset:
    return build_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Fail each use of the network, and keep what it was about."""
    # Folders must load where the Hub is not to be asked, and without that being said.
    assert "HF_HUB_OFFLINE" not in os.environ
    return refuse_network(monkeypatch)
