"""A published version compared with a folder, through the Hub's real client and a local Hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvtr_bench.dataset.reader import BuiltDataset
from tests.builders.forging import build_toy, toy_rows
from tests.fixtures.hub.client import TOKEN, HubClient, hub_client
from tests.fixtures.hub.server import hub_server
from tests.fixtures.hub.state import Blob, HubState, Repo, User

REPO = "lab/toy"


@pytest.fixture
def hub() -> Iterator[HubState]:
    with hub_server() as state:
        state.users[TOKEN] = User("me", ("lab",))
        yield state


@pytest.fixture
def client(hub: HubState, tmp_path: Path) -> Iterator[HubClient]:
    with hub_client(hub.address, tmp_path / "hf-home") as found:
        yield found


def publish(hub: HubState, built: BuiltDataset, tag: str) -> None:
    """Put a folder there as a push does: Parquet files as large objects, a tag on the commit."""
    files = {}
    for path in sorted(built.folder.rglob("*")):
        if path.is_file():
            blob = Blob(path.read_bytes(), path.suffix == ".parquet")
            files[path.relative_to(built.folder).as_posix()] = blob
            if blob.is_lfs:
                hub.objects[blob.sha256] = blob.data
    repo = hub.repos.setdefault(REPO, Repo())
    repo.tags[tag] = repo.commit(files, tag)


@pytest.mark.slow
def test_a_published_version_and_a_folder(hub: HubState, client: HubClient, tmp_path: Path) -> None:
    first = build_toy(tmp_path, name="first")
    rows = toy_rows()
    second = build_toy(tmp_path, [rows[0].replace("boat a", "a ship"), *rows[1:]], "second")
    publish(hub, first, "v1.0.0")
    publish(hub, second, "v1.0.1")
    page = tmp_path / "diff.json"

    def diff(*arguments: str) -> tuple[int, str]:
        outcome = client.run("diff", *arguments, cwd=tmp_path)
        return outcome.code, outcome.out + outcome.err

    code, told = diff(f"{REPO}@v1.0.0", "second", "--json", str(page))
    assert code == 0, told
    assert f"{REPO}@v1.0.0 (published)" in told
    assert "  'a' 0: 'boat a' -> 'a ship'" in told
    content = json.loads(page.read_text())
    assert content["captions"] == [{"video_id": "a", "a": "boat a", "b": "a ship", "caption": 0}]
    assert content["a"]["fingerprint"] == first.manifest.fingerprint
    # The main branch, both sides published, and a folder goes before a repository of its name.
    assert "the fingerprints are equal" in diff(f"hf://{REPO}", "second")[1]
    assert "'a ship' -> 'boat a'" in diff(f"{REPO}@v1.0.1", f"{REPO}@v1.0.0")[1]
    assert "(published)" not in diff("dvtr/first", "dvtr/second")[1]
    outcome = client.run("info", f"{REPO}@v1.0.1", cwd=tmp_path)
    assert f"on the Hub   {REPO}@v1.0.1 (published)" in outcome.out, outcome.err
    assert f"fingerprint  {second.manifest.fingerprint}" in outcome.out
    here = client.run("info", "second", cwd=tmp_path).out
    for title in ("annotation files", "notes on this build", " test "):
        assert title in outcome.out
        assert outcome.out.split(title)[1].split("\ncheck it")[0].strip() == (
            here.split(title)[1].split("\ncheck it")[0].strip()
        )
    for wrong in (f"{REPO}@v9", "lab/other", "lab/toy@"):
        code, told = diff(wrong, "second")
        assert code == 1, told
        assert told.startswith(("error: lab/", "error: no dataset"))
