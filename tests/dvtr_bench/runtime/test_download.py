"""Downloads end whole or not at all, whatever the server and the network do."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvtr_bench.errors import InputError, NotFoundError
from dvtr_bench.runtime import download as downloading
from dvtr_bench.runtime.download import cache_folder, download
from tests.fixtures.file_server import FileServer, file_server

DATA = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(downloading, "PAUSE_SECONDS", 0.0)
    with file_server() as state:
        state.files["a.bin"] = DATA
        yield state


def fetch(server: FileServer, sha256: str | None = SHA256) -> Path:
    target = cache_folder() / "set" / "a.bin"
    return download(server.url("a.bin"), target, sha256=sha256, show_progress=False)


def left() -> list[str]:
    """Name what is kept beside the lock files."""
    folder = cache_folder() / "set"
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_the_cache_is_hugging_faces_or_xdgs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", "/hf")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/hf/dvtr-bench")
    monkeypatch.delenv("HF_HOME")
    assert cache_folder() == Path("/xdg/huggingface/dvtr-bench")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/huggingface/dvtr-bench"


def test_whole_and_then_from_the_cache(server: FileServer) -> None:
    assert fetch(server).read_bytes() == DATA
    assert fetch(server).read_bytes() == DATA
    assert server.requests == [("/a.bin", None)]
    assert left() == ["a.bin"]
    fetch(server).write_bytes(b"damaged on the disk")
    assert fetch(server).read_bytes() == DATA


@pytest.mark.parametrize("etags", [True, False])
def test_a_connection_that_breaks_is_taken_up_again(server: FileServer, etags: bool) -> None:
    server.etags = etags
    server.break_after = [100_000, 50_000]
    assert fetch(server).read_bytes() == DATA
    assert [part for _, part in server.requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert left() == ["a.bin"]


def test_the_next_run_goes_on(server: FileServer) -> None:
    server.break_after = [100_000, *[0] * 4]
    with pytest.raises(NotFoundError, match=r"a\.bin: cannot be fetched \(broke off after 100,000"):
        fetch(server)
    assert left() == ["a.bin.part", "a.bin.part.etag"]
    assert fetch(server).read_bytes() == DATA
    assert server.requests[-1] == ("/a.bin", "bytes=100000-")
    assert left() == ["a.bin"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: FileServer) -> None:
    server.files["a.bin"] = b"x" * len(DATA)
    server.break_after = [100_000, *[0] * 4]
    with pytest.raises(NotFoundError):
        fetch(server)
    server.files["a.bin"] = DATA
    assert fetch(server).read_bytes() == DATA
    # Without versions the hash finds out.
    fetch(server).unlink()
    (cache_folder() / "set" / "a.bin.part").write_bytes(b"x" * 100)
    server.etags = False
    assert fetch(server).read_bytes() == DATA
    (cache_folder() / "set" / "a.bin").unlink()
    (cache_folder() / "set" / "a.bin.part").write_bytes(DATA + b"too much")
    assert fetch(server).read_bytes() == DATA


def test_without_a_hash_parts_of_two_versions_are_never_joined(server: FileServer) -> None:
    server.etags = False
    server.break_after = [100_000]
    assert fetch(server, None).read_bytes() == DATA
    assert [part for _, part in server.requests] == [None, None]


def test_damaged(server: FileServer) -> None:
    server.files["a.bin"] = DATA[:-1] + b"x"
    with pytest.raises(InputError, match=f"refused: its SHA-256 is .* published file has {SHA256}"):
        fetch(server)
    assert left() == []


def test_the_first_download_is_trusted_and_later_ones_held_to_it(server: FileServer) -> None:
    target = fetch(server, None)
    index = json.loads((cache_folder() / "index.json").read_text())
    assert index[server.url("a.bin")]["sha256"] == SHA256
    assert index[server.url("a.bin")]["size_bytes"] == len(DATA)
    target.unlink()
    server.files["a.bin"] = b"something else"
    with pytest.raises(
        InputError, match=rf"when it was first fetched, .*index\.json, it had {SHA256}"
    ):
        fetch(server, None)
    assert left() == []
    server.files["a.bin"] = DATA
    assert fetch(server, None).read_bytes() == DATA


def test_what_fails_its_check_is_neither_kept_nor_trusted(server: FileServer) -> None:
    def check(path: Path) -> None:
        raise InputError("no zip")

    target = cache_folder() / "set" / "a.bin"
    with pytest.raises(InputError, match="no zip"):
        download(server.url("a.bin"), target, check=check, show_progress=False)
    assert left() == []
    assert not (cache_folder() / "index.json").exists()


def test_no_network_and_no_such_file(server: FileServer) -> None:
    with pytest.raises(NotFoundError, match=r"cannot be fetched \(HTTP 404"):
        download(server.url("b"), cache_folder() / "b", show_progress=False)
    with pytest.raises(NotFoundError, match=r"127\.0\.0\.1:9/.*cannot be fetched \(.*refused"):
        download("http://127.0.0.1:9/b", cache_folder() / "b", show_progress=False)


def test_more_than_it_announced(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="refused: 512,000 bytes, at most 1,000 are fetched"):
        fetch(server)
    assert left() == []


def test_two_processes_at_once_fetch_once(server: FileServer) -> None:
    code = (
        "import sys; from pathlib import Path; from dvtr_bench.runtime.download import *\n"
        "p = download(sys.argv[1], cache_folder() / 'set' / 'a.bin', show_progress=False)\n"
        "assert p.stat().st_size == 512000"
    )
    arguments = [sys.executable, "-c", code, server.url("a.bin")]
    running = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(2)]
    for process in running:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    assert server.requests == [("/a.bin", None)]
    assert left() == ["a.bin"]
