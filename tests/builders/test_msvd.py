"""MSVD in the form in which it is published, and in those that older programs wrote."""

import pickle
from pathlib import Path

import pytest

from builders.build import build
from builders.datasets import msvd, usrd
from builders.engine.settings import BuildSettings
from dvtr_bench.errors import AnnotationError, UnsafePickleError
from tests.builders.published_forms import msvd_captions, write_msvd
from tests.builders.test_safe_pickle import Exploding
from tests.builders.tiny_clips import TinyClips


def test_published_counts(tmp_path: Path) -> None:
    source = msvd.read(msvd.Options(write_msvd(tmp_path, (1200, 100, 670))))
    assert len(source.clips) == 1970
    assert "videos and captions by split: as published." in source.notes[0]
    assert source.clips[0].captions[:2] == ("a  squirrel eats nut0", "nothing on video")
    assert source.clips[1299].split == "validation"
    fewer = msvd.read(msvd.Options(write_msvd(tmp_path, (1200, 100, 669))))
    assert ", test 669/" in fewer.notes[0]


def test_pickles_of_older_programs_read_the_same(tmp_path: Path) -> None:
    folder = write_msvd(tmp_path, (3, 1, 2))
    expected = msvd.read(msvd.Options(folder)).clips
    plain = pickle.loads((folder / "raw-captions.pkl").read_bytes())
    with_tuples = {name: tuple(map(tuple, words)) for name, words in plain.items()}
    with_bytes = {
        name.encode(): [[word.encode() for word in words] for words in sentences]
        for name, sentences in plain.items()
    }
    for content in (with_tuples, with_bytes):
        (folder / "raw-captions.pkl").write_bytes(pickle.dumps(content, protocol=4))
        assert msvd.read(msvd.Options(folder)).clips == expected
    # Protocol 0 of Python 2, where text was bytes.
    name = expected[0].video_id
    python_2 = f"(dS'{name}'\n((S'caf\\xc3\\xa9'\nS'open'\ntts.".encode()
    (folder / "raw-captions.pkl").write_bytes(python_2)
    for file in ("train_list.txt", "val_list.txt", "test_list.txt"):
        (folder / file).write_text(name if file == "test_list.txt" else "")
    assert msvd.read(msvd.Options(folder)).clips[0].captions == ("café open",)


def test_usrd_stays_strict(tmp_path: Path) -> None:
    folder = write_msvd(tmp_path, (1, 1, 1), captions={"x": (("a",),)})
    with pytest.raises(UnsafePickleError, match="found tuple"):
        usrd.read(usrd.Options(folder))


def test_anything_that_runs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_msvd(tmp_path, (1, 1, 1), captions={"x": (Exploding(),)})
    with pytest.raises(UnsafePickleError, match="system"):
        msvd.read(msvd.Options(folder))
    assert not (tmp_path / "exploded").exists()
    (folder / "raw-captions.pkl").write_bytes(pickle.dumps({"x": [[b"\xff\xfe"]]}, protocol=4))
    with pytest.raises(AnnotationError, match="expected text in UTF-8"):
        msvd.read(msvd.Options(folder))


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
