"""A dataset with awkward ids, a local Hub and a process with the real client."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders.build import build_source
from builders.engine.settings import BuildSettings
from builders.sources.source import Clip, ClipFile, DatasetInfo, LicenceRecord, Source, SourceRecord
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from tests.builders.tiny_clips import TinyClips
from tests.fixtures.hub.client import TOKEN, HubClient, hub_client
from tests.fixtures.hub.server import hub_server
from tests.fixtures.hub.state import HubState, User

IDS = ("Baseball_008 1", "Baseball_008 ", "Baseball_008", "port 50%", "église\u3000nord")

INFO = DatasetInfo(
    name="drones",
    version="1.0.0",
    pretty_name="Drones",
    summary="Five clips.",
    description="Five clips.\n\nIn two paragraphs.",
    licence=LicenceRecord("unknown", "Nobody states a licence.", None),
    citation="@misc{doe2024, title={Drones}, author={Doe, Jane and Roe, Max}, year={2024}}",
    clips_from="the authors, http://localhost/clips",
    flaws=("The second clip is short.",),
    tags=("drone", "uav"),
)
PUBLISHED = SourceRecord("captions.csv", "http://localhost/captions.csv", "0" * 64, True)


class Datasets:
    """Versions of one small dataset, each built once and copied to a folder of the test's own."""

    def __init__(self, root: Path, kept: Path, clips: TinyClips) -> None:
        self.root = root
        self._kept = kept
        self._clips = clips

    def build(self, **options: object) -> BuiltDataset:
        """Give a version; see `_build` for what can be asked for."""
        key = hashlib.sha256(repr(sorted(options.items())).encode()).hexdigest()[:8]
        kept = self._kept / key
        if not kept.exists():
            self._build(kept, **options)
        copy = self.root / key
        shutil.copytree(kept, copy, dirs_exist_ok=True)
        return open_dataset(next(copy.iterdir()))

    def _build(
        self,
        root: Path,
        *,
        changed: str = "",
        frames: bool = True,
        ids: tuple[str, ...] = IDS,
        shard_bytes: int = 1,
        own_footage: bool = True,
        keep_clips: bool = False,
        **info: object,
    ) -> None:
        splits = ("train", "train", "train", "validation", "test")
        clips = tuple(
            Clip(
                video_id=video_id,
                captions=(f"clip {number}{changed}", "seen from above"),
                split=split,
                footage=ClipFile(self._clips.write(self._kept / f"clip-{number}.mp4", number)),
                category="a" if number else None,
            )
            for number, (video_id, split) in enumerate(zip(ids, splits, strict=True))
        )
        source = Source(
            info=replace(INFO, **info),
            clips=clips,
            sources=(replace(PUBLISHED, url=None),) if own_footage else (PUBLISHED,),
            notes=("Built for a test.",),
        )
        settings = BuildSettings(root=root, workers=0, progress=False)
        settings = replace(settings, shard_bytes=shard_bytes, keep_clips=keep_clips)
        build_source(source, settings if frames else replace(settings, frames=None))


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


@pytest.fixture
def datasets(tmp_path: Path, _kept: Path, tiny_clips: TinyClips) -> Datasets:
    return Datasets(tmp_path, _kept, tiny_clips)


@pytest.fixture(scope="session")
def _shared_hub() -> Iterator[HubState]:
    with hub_server() as state:
        state.users[TOKEN] = User("me", ("lab",))
        yield state


@pytest.fixture(scope="session")
def client(_shared_hub: HubState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubClient]:
    with hub_client(_shared_hub.address, tmp_path_factory.mktemp("hf-home")) as found:
        yield found


@pytest.fixture
def hub(_shared_hub: HubState) -> HubState:
    """The Hub, empty."""
    _shared_hub.clear()
    return _shared_hub
