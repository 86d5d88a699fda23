"""How often a build opens the files that pass through it, and packs the captions."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from builders.engine import clip_work
from builders.sources import packed
from dvtr_bench.errors import MissingClipsError
from dvtr_bench.video import containers
from tests.builders.conftest import FolderBuilder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what Python, libav and Arrow open, by the kind of opening and the suffix."""
    counts: Counter[str] = Counter()

    def counted(module: Any, name: str, kind: str) -> None:
        function = getattr(module, name)

        def counting(path: Any, *args: object, **kwargs: object) -> object:
            found = function(path, *args, **kwargs)
            counts[f"{kind} {Path(path).suffix}"] += 1
            return found

        monkeypatch.setattr(module, name, counting)

    counted(Path, "open", "file")
    counted(containers.av, "open", "container")
    counted(clip_work.pa, "OSFile", "written")
    counted(clip_work.pa, "memory_map", "read")
    return counts


def test_a_clip_and_its_finished_file_are_opened_once_for_each_purpose(
    folder_builder: FolderBuilder, opened: Counter[str]
) -> None:
    folder_builder.five_clips()
    opened.clear()
    folder_builder.build()
    assert opened["container .mp4"] == 5
    assert opened["file .mp4"] == 3 * 5  # hashed, asked whether it is whole, and for its crop
    assert opened["written .part"] == 5
    assert opened["read .arrow"] == 5  # the rows of the dataset


def test_a_build_that_goes_on_opens_finished_files_once_more(
    folder_builder: FolderBuilder, opened: Counter[str]
) -> None:
    folder_builder.five_clips()
    (folder_builder.clips / "c.mp4").write_bytes(b"no clip")
    with pytest.raises(MissingClipsError, match=r"broken clips: 1\n"):
        folder_builder.build()
    folder_builder.tiny.write(folder_builder.clips / "c.mp4", 2)
    opened.clear()
    folder_builder.build()
    assert opened["container .mp4"] == 1
    assert opened["written .part"] == 1
    assert opened["read .arrow"] == 4 + 5  # whether the four are whole, and the rows


def test_a_caption_is_packed_with_its_row_and_with_its_clip(
    folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: Counter[str] = Counter()
    append = packed.Packed.append

    def counting(self: packed.Packed[Any], item: object) -> None:
        taken[type(item).__name__] += 1
        append(self, item)

    pack = packed.PackedGroups._pack

    def counting_rows(self: packed.PackedGroups[Any], waiting: list[Any]) -> None:
        taken["rows"] += len(waiting)
        pack(self, waiting)

    monkeypatch.setattr(packed.Packed, "append", counting)
    monkeypatch.setattr(packed.PackedGroups, "_pack", counting_rows)
    folder_builder.five_clips()
    folder_builder.build()
    assert taken == {"rows": 5, "Clip": 5, "StagedClip": 5}
