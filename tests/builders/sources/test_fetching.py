"""`--annotations auto`: the published files, fetched once and checked."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from builders.datasets import activitynet, capera, didemo, msrvtt, msvd, umcrd, usrd
from builders.sources.published import AUTO
from builders.sources.source import PublishedFile
from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.runtime.download import cache_folder
from tests.builders.published_forms import (
    write_activitynet,
    write_didemo,
    write_msrvtt,
    write_msvd,
    write_zip,
)
from tests.fixtures.file_server import FileServer, file_server


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with file_server() as state:
        yield state


def point_at(server: FileServer, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a dataset's files come from our server, under the end of their real address."""
    files = {
        name: replace(file, url=server.url(f"{module.INFO.name}/{file.url.rpartition('/')[2]}"))
        for name, file in module.INFO.files.items()
    }
    monkeypatch.setattr(module, "INFO", replace(module.INFO, files=files))


@pytest.mark.parametrize("module", [usrd, umcrd, capera])
def test_the_real_files(
    published_annotations: Path,
    server: FileServer,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
) -> None:
    name = module.INFO.name
    point_at(server, module, monkeypatch)
    for file in module.INFO.files:
        server.files[f"{name}/{file}"] = (published_annotations / name / file).read_bytes()
    fetched = module.read(module.Options(AUTO))
    assert fetched.clips == module.read(module.Options(published_annotations)).clips
    assert all(source.is_published_file for source in fetched.sources)
    assert len(server.requests) == len(module.INFO.files)
    module.read(module.Options(AUTO))
    assert len(server.requests) == len(module.INFO.files)


@pytest.mark.parametrize("module", [msvd, msrvtt])
def test_files_in_a_zip(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    name = module.INFO.name
    folder = tmp_path / "local"
    if module is msvd:
        write_msvd(folder, (3, 1, 2))
    else:
        write_msrvtt(folder, (1, 2), (7010,))
    packed = write_zip(tmp_path / "packed.zip", folder, f"{name}_data").read_bytes()
    point_at(server, module, monkeypatch)
    server.files[f"{name}/{name}_data.zip"] = packed
    fetched = module.read(module.Options(AUTO))
    assert fetched.clips == module.read(module.Options(folder)).clips
    first = {path: path.stat().st_mtime_ns for path in (cache_folder() / name).iterdir()}
    module.read(module.Options(AUTO))
    assert len(server.requests) == 1
    assert first == {path: path.stat().st_mtime_ns for path in (cache_folder() / name).iterdir()}
    # A file that was changed in the cache is taken from the zip again.
    (cache_folder() / name / next(iter(module.INFO.files))).write_bytes(b"changed")
    assert module.read(module.Options(AUTO)).clips == fetched.clips


def test_files_at_a_commit(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(server, didemo, monkeypatch)
    folder = write_didemo(tmp_path / "local", (3, 1, 2))
    for file in folder.iterdir():
        server.files[f"didemo/{file.name}"] = file.read_bytes()
    fetched = didemo.read(didemo.Options(AUTO))
    assert fetched.clips == didemo.read(didemo.Options(folder)).clips
    didemo.read(didemo.Options(AUTO))
    assert len(server.requests) == 3


def test_the_zip_of_activitynet(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(server, activitynet, monkeypatch)
    folder = write_activitynet(tmp_path / "local", (3, 2))
    (folder / "val_2.json").write_text("{}")
    packed = write_zip(tmp_path / "captions.zip", folder, "captions").read_bytes()
    server.files["activitynet/captions.zip"] = packed
    fetched = activitynet.read(activitynet.Options(AUTO))
    assert fetched.clips == activitynet.read(activitynet.Options(folder)).clips
    assert len(server.requests) == 1


def test_an_error_page_is_no_zip(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(server, msvd, monkeypatch)
    server.files["msvd/msvd_data.zip"] = b"<html>log in first</html>"
    with pytest.raises(InputError, match="not a complete zip file"):
        msvd.read(msvd.Options(AUTO))
    assert not (cache_folder() / "index.json").exists()


def test_a_damaged_file(
    annotations: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(server, usrd, monkeypatch)
    files = {}
    for name, file in usrd.INFO.files.items():
        content = server.files[f"usrd/{name}"] = (annotations / "usrd" / name).read_bytes()
        files[name] = replace(file, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(usrd, "INFO", replace(usrd.INFO, files=files))
    server.files["usrd/val_list.txt"] += b"\n"
    wrong = hashlib.sha256(server.files["usrd/val_list.txt"]).hexdigest()
    with pytest.raises(InputError, match=f"val_list.txt: refused: its SHA-256 is {wrong}"):
        usrd.read(usrd.Options(AUTO))
    kept = {path.name for path in (cache_folder() / "usrd").iterdir() if path.suffix != ".lock"}
    assert kept == {"raw-captions.pkl", "train_list.txt"}


def test_no_network_names_all_files(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = PublishedFile("http://127.0.0.1:9/raw-captions.pkl", "0" * 64)
    monkeypatch.setattr(
        umcrd, "INFO", replace(umcrd.INFO, files={**umcrd.INFO.files, "raw-captions.pkl": dead})
    )
    with pytest.raises(NotFoundError) as caught:
        umcrd.read(umcrd.Options(AUTO))
    told = str(caught.value)
    assert "raw-captions.pkl: cannot be fetched" in told
    assert "give it with --annotations FOLDER" in told
    for file in umcrd.INFO.files.values():
        assert f"\n  {file.url}" in told
