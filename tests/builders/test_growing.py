"""Datasets that grow: splits stay, and copies of a file stay together."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from builders.build import Build
from builders.checks.diff.difference import compare_datasets
from builders.checks.diff.printing import print_difference
from builders.sources.archive import Member
from builders.sources.locate import locate_dataset
from builders.sources.named_clips import NamedClip
from builders.sources.source import ClipFile
from builders.sources.split_drawing import ClipHashes
from builders.summary import print_summary
from dvtr_bench.dataset.reader import BuiltDataset, open_dataset
from dvtr_bench.errors import AnnotationError, BuildError, NotFoundError
from dvtr_bench.runtime.files import file_sha256
from tests.builders.conftest import FolderBuilder
from tests.builders.tiny_clips import pack

TEXTS = {"frames": None}


def splits_of(dataset: BuiltDataset) -> dict[str, str]:
    return {video_id: name for name in dataset for video_id in dataset.split(name).video_ids}


def write_clips(builder: FolderBuilder, count: int, more: str = "") -> None:
    """Write clips of one caption each, in the order of their numbers; no two alike."""
    names = [f"{number}.mp4" for number in range(count)]
    builder.tiny.write_folder(builder.clips, names)
    rows = "".join(f"{name},clip {name} from above\n" for name in names)
    builder.table_of(f"file_name,caption\n{rows}{more}")


def name_clips(builder: FolderBuilder, count: int, column: str = "", cell: str = "") -> None:
    """Write a table alone; ``cell`` is filled in by number."""
    header = "video_id,caption" + (f",{column}" if column else "")
    rows = [
        f"{number},clip {number}" + (f",{cell.format(number)}" if column else "")
        for number in range(count)
    ]
    builder.table_of("\n".join([header, *rows]) + "\n")


def texts(builder: FolderBuilder, name: str = "mine", **options: object) -> Build:
    settings = {**TEXTS, "name": name, **dict(options.pop("settings", {}))}
    return builder.build(clips=None, settings=settings, **options)


# How clips stay where they are.


def test_five_more_clips_move_none(folder_builder: FolderBuilder) -> None:
    name_clips(folder_builder, 43)
    old = splits_of(texts(folder_builder).dataset)
    name_clips(folder_builder, 48)
    grown = texts(folder_builder, version="1.1.0").dataset
    new = splits_of(grown)
    assert {video_id: new[video_id] for video_id in old} == old
    assert len(new) == 48
    (note,) = grown.manifest.notes
    sizes = Counter(new.values())
    assert note == (
        "The splits were drawn by seed 0 for 70/10/20, each clip alone, by the hash of its own "
        f"name: {sizes['train']} train, {sizes['validation']} validation, {sizes['test']} test."
    )


def test_diff_says_what_became_of_the_test_clips(
    folder_builder: FolderBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    name_clips(folder_builder, 30)
    texts(folder_builder)
    name_clips(folder_builder, 32)
    texts(folder_builder, version="1.1.0")
    moving = {"move_test_clips": True}
    last = texts(folder_builder, version="1.2.0", seed=4, settings=moving).dataset
    root = folder_builder.root

    def said(a: str, b: str) -> str:
        sides = locate_dataset(a, root), locate_dataset(b, root)
        print_difference(compare_datasets(*sides, progress=False), 3)
        return capsys.readouterr().out

    assert "every test video of A is a test video of B" in said("mine@1.0.0", "mine@1.1.0")
    before = set(open_dataset("mine@1.1.0", root).split("test").video_ids)
    moved = len(before - set(last.split("test").video_ids))
    told = said("mine@1.1.0", "mine@1.2.0")
    assert f"of the test videos of A, {moved} are in another split of B and 0 are not in B" in told


def test_a_balanced_draw_is_still_there(folder_builder: FolderBuilder) -> None:
    name_clips(folder_builder, 40)
    built = texts(folder_builder, draw="balanced").dataset
    assert Counter(splits_of(built).values()) == {"train": 28, "validation": 4, "test": 8}
    assert "balanced to 70/10/20 by number of clips" in built.manifest.notes[0]


def test_old_splits_are_kept_whatever_the_seed(folder_builder: FolderBuilder) -> None:
    name_clips(folder_builder, 40)
    old = splits_of(texts(folder_builder, draw="balanced", seed=3).dataset)
    name_clips(folder_builder, 45)
    asked = {"draw": "balanced", "seed": 5, "version": "1.1.0"}
    with pytest.raises(BuildError, match="would leave the test split"):
        texts(folder_builder, **asked)
    built = texts(folder_builder, splits_from="mine", **asked).dataset
    new = splits_of(built)
    assert {video_id: new[video_id] for video_id in old} == old
    assert re.match(
        r"40 clips keep their split of mine 1\.0\.0 \(fingerprint \w{12}\)\. "
        r"5 new clips were drawn by seed 5",
        built.manifest.notes[0],
    )


@pytest.mark.parametrize("column", ["video_id", "id", "clip_id"])
def test_old_splits_of_a_table(folder_builder: FolderBuilder, column: str) -> None:
    name_clips(folder_builder, 12)
    table = folder_builder.table.with_name("old.csv")
    table.write_text(f"{column},split\n" + "".join(f"{n},val\n" for n in range(9)) + "99,test\n")
    built = texts(folder_builder, splits_from=table).dataset
    assert {splits_of(built)[str(number)] for number in range(9)} == {"validation"}
    assert (
        "9 clips keep their split of old.csv. 1 clip of it is not here."
        in (built.manifest.notes[0])
    )
    assert [source.name for source in built.manifest.sources] == ["captions.csv", "old.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name,split\n1,test\n",
            "expected the columns video_id (or clip_id, videoid, key, id) and split",
        ),
        ("id,split\n1,tset\n", "expected train, validation (or val) or test, found 'tset'"),
        ("id,split\n1,test\n1,train\n", "'1' is in two splits: test and train"),
        ("id,split\n,test\n", "the column 'id' is empty"),
    ],
)
def test_tables_of_old_splits_that_cannot_be_read(
    folder_builder: FolderBuilder, text: str, message: str
) -> None:
    name_clips(folder_builder, 3)
    table = folder_builder.table.with_name("old.csv")
    table.write_text(text)
    with pytest.raises(AnnotationError, match=re.escape(message)):
        texts(folder_builder, splits_from=table)


def test_old_splits_that_are_not_there(folder_builder: FolderBuilder) -> None:
    name_clips(folder_builder, 3)
    with pytest.raises(NotFoundError, match="no dataset 'nowhere' is built"):
        texts(folder_builder, splits_from="nowhere")


def test_new_clips_of_an_old_group_follow_it(folder_builder: FolderBuilder) -> None:
    old = folder_builder.table.with_name("old.csv")
    old.write_text("id,split\na,test\nb,validation\nc,train\nd,test\ne,test\n")
    folder_builder.table_of(
        "video_id,caption,flight\na,x,1\na2,x,1\nb,x,2\nb2,x,2\nc,x,3\nd,x,3\ne,x,3\nc2,x,3\n"
    )
    built = texts(folder_builder, splits_from=old, group_by="flight").dataset
    splits = splits_of(built)
    assert (splits["a2"], splits["b2"]) == ("test", "validation")
    # A group that was divided stays so; its new clip goes where most of it is.
    assert (splits["c"], splits["d"], splits["e"], splits["c2"]) == (
        "train",
        "test",
        "test",
        "test",
    )
    assert any(
        "1 group has clips in more than one split of old.csv, such as '3'" in note
        for note in built.manifest.notes
    )


def test_stated_splits_that_contradict_the_old_ones(folder_builder: FolderBuilder) -> None:
    old = folder_builder.table.with_name("old.csv")
    old.write_text("id,split\n1,train\n2,test\n")
    name_clips(folder_builder, 3, "split", "test")
    with pytest.raises(AnnotationError, match=r"for 1 clip:\n  - '1': test here, train there"):
        texts(folder_builder, splits_from=old)
    old.write_text("id,split\n1,test\n2,test\n")
    assert set(splits_of(texts(folder_builder, splits_from=old).dataset).values()) == {"test"}


# Clips that are the same file.


def test_ten_copies_of_a_file_are_one_group(
    folder_builder: FolderBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clips(folder_builder, 12)
    for number in range(10):
        folder_builder.tiny.write(folder_builder.clips / f"copy {number}.mp4", 3)
    table = folder_builder.table
    table.write_text(
        table.read_text() + "".join(f"copy {number}.mp4,the same\n" for number in range(10))
    )
    built = folder_builder.build(settings=TEXTS)
    splits = splits_of(built.dataset)
    copies = {splits[video_id] for video_id in ("3", *(f"copy {number}" for number in range(10)))}
    assert len(copies) == 1
    told = "11 clips are 1 file under several ids; each file was kept in one split: '3' = 'copy 0'"
    assert told in built.dataset.manifest.notes[1]
    # The copies follow the clip that the table lists first, so it stays where it was.
    shutil.rmtree(folder_builder.root)
    write_clips(folder_builder, 12)
    alone = folder_builder.build(settings={**TEXTS, "missing": "drop"}).dataset
    assert {v: s for v, s in splits.items() if "copy" not in v} == splits_of(alone)
    print_summary(built)
    assert "11 clips are 1 file under several ids" in capsys.readouterr().out


def test_copies_in_a_zip(folder_builder: FolderBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clips(folder_builder, 3, "copy.mp4,the same\n")
    folder_builder.tiny.write(folder_builder.clips / "copy.mp4", 1)
    folder_builder.clips = pack(folder_builder.clips.with_suffix(".zip"), folder_builder.clips)
    hashed: list[str] = []
    sha256 = Member.sha256

    def counted(member: Member) -> str:
        hashed.append(member.name)
        return sha256(member)

    monkeypatch.setattr(Member, "sha256", counted)
    built = folder_builder.build()
    assert any("'1' = 'copy'" in note for note in built.dataset.manifest.notes)
    # Clips of equal size are hashed for the draw, and not again when they are decoded.
    assert sorted(hashed) == ["0.mp4", "1.mp4", "2.mp4", "copy.mp4"]


def test_a_clip_that_changes_after_the_draw_is_hashed_again(
    folder_builder: FolderBuilder, tmp_path: Path
) -> None:
    first = folder_builder.tiny.write(tmp_path / "a.mp4", 1)
    other = folder_builder.tiny.write(tmp_path / "b.mp4", 2)
    clip = NamedClip("a", "a.mp4")
    hashes_of_clips = ClipHashes(lambda named: ClipFile(tmp_path / str(named.file)))
    assert hashes_of_clips.sha256_of([clip]) == {"a": file_sha256(first)}
    footage = hashes_of_clips.footage(clip)
    assert footage is not None
    assert footage.identity() == file_sha256(first)
    first.write_bytes(other.read_bytes() + b"longer")
    assert footage.identity() == file_sha256(first)


def test_copies_join_their_groups(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write_folder(folder_builder.clips, [f"{n}.mp4" for n in range(30)])
    shutil.copy(folder_builder.clips / "0.mp4", folder_builder.clips / "5.mp4")
    shutil.copy(folder_builder.clips / "6.mp4", folder_builder.clips / "11.mp4")
    rows = "".join(f"{n}.mp4,clip {n},site {n // 3}\n" for n in range(30))
    folder_builder.table_of(f"file_name,caption,site\n{rows}")
    for seed in range(8):
        built = folder_builder.build(
            group_by="site", seed=seed, settings={**TEXTS, "name": f"n{seed}"}
        )
        splits = splits_of(built.dataset)
        for joined in (range(6), range(6, 12)):
            assert len({splits[str(number)] for number in joined}) == 1


def test_copies_across_stated_splits_are_said(folder_builder: FolderBuilder) -> None:
    folder_builder.tiny.write(folder_builder.clips / "a.mp4", 1)
    folder_builder.tiny.write(folder_builder.clips / "b.mp4", 1)
    folder_builder.table_of("file_name,caption,split\na.mp4,x,train\nb.mp4,y,test\n")
    built = folder_builder.build()
    assert (
        "1 file is in more than one split under several ids: 'a' (train) = 'b' (test)."
        in built.dataset.manifest.notes
    )


def test_a_renamed_clip_follows_its_file(folder_builder: FolderBuilder) -> None:
    write_clips(folder_builder, 12)
    built = folder_builder.build()
    old = splits_of(built.dataset)
    table = folder_builder.table
    for video_id in [name for name in old if old[name] == "test"]:
        (folder_builder.clips / f"{video_id}.mp4").rename(
            folder_builder.clips / f"new {video_id}.mp4"
        )
        table.write_text(re.sub(rf"(?m)^{video_id}\.mp4", f"new {video_id}.mp4", table.read_text()))
    for seed in range(5):
        asked = {"version": f"1.{seed + 1}.0", "seed": seed, "settings": {"name": "mine"}}
        kept = splits_of(folder_builder.build(splits_from="mine@1.0.0", **asked).dataset)
        assert {name.removeprefix("new "): split for name, split in kept.items()} == old
    with pytest.raises(BuildError, match=r"'new \d+' in \w+: the same file as '\d+'"):
        folder_builder.build(draw="balanced", seed=8, settings={"overwrite": True})
