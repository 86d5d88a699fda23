"""A file appears whole or not at all."""

import errno
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from dvtr_bench.errors import WriteError
from dvtr_bench.runtime.files import folder_written_beside, written_beside, written_together


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("old")
    with written_beside(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["page.md"]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("old")

    def stopped_half_way() -> None:
        with written_beside(path) as beside:
            beside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_half_way()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["page.md"]


def test_a_folder_appears_whole_and_the_old_one_stays_until_then(tmp_path: Path) -> None:
    site = tmp_path / "new" / "site"
    with folder_written_beside(site) as beside:
        (beside / "a").write_text("1")
        assert not site.exists()
    with folder_written_beside(site) as beside:
        (beside / "b").write_text("2")
        assert names(site) == ["a"]
    assert names(site) == ["b"]
    assert names(site.parent) == ["site"]

    def stopped_half_way() -> None:
        with folder_written_beside(site) as beside:
            (beside / "c").write_text("3")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_half_way()
    assert names(site) == ["b"]
    assert names(site.parent) == ["site"]


def test_folders_made_for_a_file_go_with_it(tmp_path: Path) -> None:
    def refused(path: Path) -> None:
        with written_beside(path) as beside:
            beside.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "there").mkdir()
    for path in (tmp_path / "a" / "b" / "page.md", tmp_path / "there" / "page.md"):
        with pytest.raises(WriteError, match=r"page.md: cannot be written \(the disk is full; .*"):
            refused(path)
    assert names(tmp_path) == ["there"]


def test_files_written_together_appear_together(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old").touch()

    def write(fail: bool) -> None:
        with written_together():
            for name in ("a", "b", "b"):
                with written_beside(tmp_path / name) as beside:
                    beside.write_text("new")
            with folder_written_beside(tmp_path / "site") as beside:
                with written_beside(beside / "new") as inner:
                    inner.touch()
                assert names(beside) == ["new"]
            assert (tmp_path / "a").read_text() == "old"
            if fail:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(fail=True)
    assert names(tmp_path) == ["a", "site"]
    assert (tmp_path / "a").read_text() == "old"
    write(fail=False)
    assert names(tmp_path) == ["a", "b", "site"]
    assert (tmp_path / "a").read_text() == "new"
    assert names(tmp_path / "site") == ["new"]


@pytest.mark.parametrize("number", range(4))
def test_a_rename_that_fails_undoes_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    files = ["a", "b", "c", "d"]
    for name in files[::2]:
        (tmp_path / name).write_text("old")
    before = {name: (tmp_path / name).read_text() for name in names(tmp_path)}

    def write() -> None:
        with written_together():
            for name in files:
                with written_beside(tmp_path / name) as beside:
                    beside.write_text("new")

    with monkeypatch.context() as patch:
        for function in ("replace", "rename"):
            real = getattr(os, function)

            def failing(old: str, new: str, real: Any = real) -> None:
                if Path(new).name == files[number]:
                    raise OSError(errno.EIO, os.strerror(errno.EIO), os.fspath(old))
                real(old, new)

            patch.setattr(os, function, failing)
        with pytest.raises(WriteError, match=f"{files[number]}: cannot be written .the disk rep"):
            write()
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path)} == before
    write()
    assert names(tmp_path) == files


def test_what_a_killed_process_left_goes_with_the_next_writer(tmp_path: Path) -> None:
    child = multiprocessing.get_context("spawn").Process(target=die_half_way, args=(tmp_path,))
    child.start()
    child.join()
    assert len(names(tmp_path)) == 2
    with written_beside(tmp_path / "page.md") as beside:
        beside.write_text("whole")
    assert names(tmp_path) == ["page.md"]


def die_half_way(folder: Path) -> None:
    with written_beside(folder / "page.md") as beside, folder_written_beside(folder / "site"):
        beside.write_text("half")
        os._exit(9)


def test_a_file_that_is_read_is_not_called_unwritable(tmp_path: Path) -> None:
    def write() -> None:
        with written_beside(tmp_path / "out" / "page.md"):
            (tmp_path / "in" / "source").read_text()

    with pytest.raises(FileNotFoundError):
        write()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
