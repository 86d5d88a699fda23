"""Every published form gives the same bytes from a folder and a zip, whole and in two runs."""

from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import msrvtt, msvd
from builders.engine.settings import BuildSettings
from tests.builders.engine.test_engine import count_decodes, hashes
from tests.builders.published_forms import write_msrvtt, write_msvd
from tests.builders.tiny_clips import TinyClips, pack


@pytest.mark.parametrize("name", ["msvd", "msrvtt"])
def test_same_bytes(
    name: str, tmp_path: Path, tiny_clips: TinyClips, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "annotations"
    if name == "msvd":
        clips = msvd.read(msvd.Options(write_msvd(folder, (3, 1, 1)))).clips
    else:
        clips = msrvtt.read(msrvtt.Options(write_msrvtt(folder, (5, 1, 7), (7010, 7020)))).clips
    files = [f"Videos/{clip.video_id}.avi" for clip in clips]
    videos = tiny_clips.write_folder(tmp_path / "videos", files)
    packed = pack(tmp_path / "videos.zip", videos)

    def built(root: str, source: Path, workers: int) -> dict[str, str]:
        settings = BuildSettings(root=tmp_path / root, workers=workers, progress=False)
        options = {"annotations": folder, "clips": source}
        return hashes(build(name, options, settings).dataset.folder)

    expected = built("one", videos, 0)
    assert built("two", packed, 2) == expected
    with monkeypatch.context() as patch:
        count_decodes(patch, fail_at=3)
        with pytest.raises(KeyboardInterrupt):
            built("three", packed, 0)
    decoded = count_decodes(monkeypatch)
    # What was decoded out of the zip need not be decoded again out of the folder.
    assert built("three", videos, 0) == expected
    assert len(decoded) == 2
