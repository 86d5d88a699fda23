"""MSVD in the form in which it is published, whichever Python pickled it."""

import pickle
from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import msvd
from builders.engine.settings import BuildSettings
from dvtr_bench.errors import AnnotationError, UnsafePickleError
from tests.builders.published_forms import msvd_captions, write_msvd
from tests.builders.sources.test_safe_pickle import Exploding
from tests.builders.tiny_clips import TinyClips


def test_published_counts(tmp_path: Path) -> None:
    source = msvd.read(msvd.Options(write_msvd(tmp_path, (1200, 100, 670))))
    assert len(source.clips) == 1970
    assert "videos and captions by split: as published." in source.notes[0]
    assert source.clips[0].captions[:2] == ("a  squirrel eats nut0", "nothing on video")
    assert source.clips[1299].split == "validation"
    fewer = msvd.read(msvd.Options(write_msvd(tmp_path, (1200, 100, 669))))
    assert ", test 669/" in fewer.notes[0]


@pytest.mark.parametrize(
    "pickled",
    [
        rb"(dS'{id}'|(l(lS'caf\xc3\xa9'|aS'open'|aas.",
        rb"(dV{id}|(l(lVcaf\u00e9|aVopen|aas.",
        b"\x80\x02}U\x0f{id}](](U\x05caf\xc3\xa9U\x04openees.",
    ],
    ids=["protocol 0, str", "protocol 0, unicode", "protocol 2, str"],
)
def test_strings_of_python_2_are_text(tmp_path: Path, pickled: bytes) -> None:
    folder = write_msvd(tmp_path, (0, 0, 1))
    name = (folder / "test_list.txt").read_bytes()
    assert len(name) == 15
    pickled = pickled.replace(b"{id}", name).replace(b"|", b"\n")
    (folder / "raw-captions.pkl").write_bytes(pickled)
    (clip,) = msvd.read(msvd.Options(folder)).clips
    assert clip.captions == ("caf\u00e9 open",)


@pytest.mark.parametrize(
    ("captions", "found"),
    [
        ({"x": (("a",),)}, "found tuple"),
        ({"x": [[b"a"]]}, "found bytes"),
        ({b"x": [["a"]]}, "found bytes"),
        ({"x": [[1]]}, "found int"),
        ({"x": [[None]]}, "found NoneType"),
        ({"x": [{"a"}]}, "found set"),
    ],
)
def test_dict_list_and_str_alone(tmp_path: Path, captions: object, found: str) -> None:
    folder = write_msvd(tmp_path, (1, 1, 1))
    (folder / "raw-captions.pkl").write_bytes(pickle.dumps(captions, protocol=4))
    with pytest.raises(UnsafePickleError, match=f"expected only dict, list and str, {found}"):
        msvd.read(msvd.Options(folder))


def test_anything_that_runs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_msvd(tmp_path, (1, 1, 1), captions={"x": [Exploding()]})
    with pytest.raises(UnsafePickleError, match="system"):
        msvd.read(msvd.Options(folder))
    assert not (tmp_path / "exploded").exists()


def test_lists_and_captions_must_agree(tmp_path: Path) -> None:
    names = [f"-4wsuPC_Bc{number}_{number}_{number + 9}" for number in range(3)]
    folder = write_msvd(tmp_path, (1, 1, 1), captions=msvd_captions(names[:2]))
    with pytest.raises(AnnotationError, match=r"test_list\.txt: the id .* has no captions"):
        msvd.read(msvd.Options(folder))


def test_a_build_with_clips(tmp_path: Path, tiny_clips: TinyClips) -> None:
    folder = write_msvd(tmp_path / "msvd", (2, 1, 2))
    names = [f"{clip.video_id}.avi" for clip in msvd.read(msvd.Options(folder)).clips]
    clips = tiny_clips.write_folder(tmp_path / "YouTubeClips", names)
    settings = BuildSettings(root=tmp_path / "dvtr", workers=0, progress=False)
    built = build("msvd", {"annotations": folder, "clips": clips}, settings).dataset
    assert [len(built.split(split).video_ids) for split in ("train", "validation", "test")] == [
        2,
        1,
        2,
    ]
