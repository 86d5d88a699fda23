from pathlib import Path

import pytest

from builders.build import Build, build
from builders.engine.settings import BuildSettings
from tests.builders.published_forms import CAPERA, UMCRD, USRD, write_capera, write_listed
from tests.builders.tiny_clips import ANNOTATIONS, REAL_CLIPS, TinyClips


@pytest.fixture(scope="session")
def tiny_clips() -> TinyClips:
    return TinyClips()


@pytest.fixture(scope="session")
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small annotation files of USRD, UMCRD and CapERA, in the published form."""
    folder = tmp_path_factory.mktemp("annotations")
    write_listed(folder / "usrd", USRD)
    write_listed(folder / "umcrd", UMCRD)
    write_capera(folder / "capera", CAPERA)
    return folder


@pytest.fixture
def published_annotations() -> Path:
    if not ANNOTATIONS.is_dir():
        pytest.skip(f"the real annotation files are not in {ANNOTATIONS}")
    return ANNOTATIONS


@pytest.fixture
def real_clips() -> Path:
    if not REAL_CLIPS.is_dir():
        pytest.skip(f"the real clips are not in {REAL_CLIPS}")
    return REAL_CLIPS


class FolderBuilder:
    """Builds folder datasets below a temporary folder, quietly and in this process."""

    def __init__(self, root: Path, tiny_clips: TinyClips) -> None:
        self.clips = root / "clips"
        self.table = root / "captions.csv"
        self.root = root / "dvtr"
        self.tiny = tiny_clips

    def table_of(self, text: str, name: str = "captions.csv") -> Path:
        self.table = self.table.with_name(name)
        self.table.write_text(text, encoding="utf-8")
        return self.table

    def five_clips(self) -> None:
        """Five clips with one caption each."""
        names = [f"{letter}.mp4" for letter in "abcde"]
        self.tiny.write_folder(self.clips, names)
        rows = [f"{name},clip {name[0]} from above" for name in names]
        self.table_of("file_name,caption\n" + "\n".join(rows) + "\n")

    def build(self, *, settings: dict[str, object] | None = None, **options: object) -> Build:
        given = {"clips": self.clips, "captions": self.table, **options}
        asked = {"root": self.root, "name": "mine", "workers": 0, "progress": False}
        # The search for look-alikes has tests of its own, and costs half the time of a tiny build.
        asked["near_duplicates"] = False
        return build("folder", given, BuildSettings(**{**asked, **(settings or {})}))


@pytest.fixture
def folder_builder(tmp_path: Path, tiny_clips: TinyClips) -> FolderBuilder:
    return FolderBuilder(tmp_path, tiny_clips)
