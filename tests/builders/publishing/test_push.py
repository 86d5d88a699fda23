"""Pushing with the Hub's real client to a local Hub: what arrives, what is refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dvtr_bench.dataset.manifest import LicenceRecord
from dvtr_bench.dataset.reader import BuiltDataset
from tests.builders.publishing.conftest import Datasets
from tests.fixtures.hub.client import HubClient, Outcome, client_environment, read_rows
from tests.fixtures.hub.state import Blob, HubState, Repo, User

REPO = "lab/drones"


def push(client: HubClient, built: BuiltDataset, *options: str, repo: str = REPO) -> Outcome:
    return client.run("push", str(built.folder), "--repo", repo, *options, cwd=built.folder)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def published(files: dict[str, Blob]) -> dict[str, bytes]:
    """Return the files of a dataset; the other two belong to the repository."""
    others = (".gitattributes", "eval.yaml")
    return {path: blob.data for path, blob in files.items() if path not in others}


@pytest.mark.slow
@pytest.mark.parametrize("config", ["default", "captions", "qrels"])
def test_the_hub_gives_the_same_rows_as_the_folder(config, hub, client, datasets) -> None:
    built = datasets.build()
    outcome = push(client, built)
    assert outcome.code == 0, outcome.err
    assert "read it:  datasets.load_dataset('lab/drones', revision='v1.0.0')" in outcome.out
    local = client.rows(str(built.folder), config, None)
    assert [len(local[name]) for name in ("train", "validation", "test")] in ([3, 1, 1], [6, 2, 2])
    assert client.rows(REPO, config, "v1.0.0") == local
    assert client.rows(REPO, config, "v1.0.0", streaming=True) == local


def test_main_and_the_tag_are_the_folder_byte_for_byte(hub, client, datasets) -> None:
    built = datasets.build()
    assert push(client, built).code == 0
    repo = hub.repos[REPO]
    assert published(repo.main) == bytes_of(built.folder)
    assert repo.commits[repo.tags["v1.0.0"]] == repo.main
    assert len([path for path in repo.main if path.startswith("data/train-")]) == 3
    assert not repo.private


def test_what_is_published_is_not_sent_again(hub, client, datasets) -> None:
    built = datasets.build()
    push(client, built)
    commits, sent = len(hub.repos[REPO].commits), len(hub.uploads)
    outcome = push(client, built)
    assert (outcome.code, len(hub.repos[REPO].commits)) == (0, commits)
    assert "published already, byte for byte: nothing to do" in outcome.out
    assert len(hub.uploads) == sent


def test_a_published_version_keeps_its_bytes(hub, client, datasets) -> None:
    first = datasets.build()
    push(client, first)
    other = datasets.build(changed="!")
    outcome = push(client, other)
    assert outcome.code == 1
    for said in (
        "v1.0.0 already, with other bytes",
        first.manifest.fingerprint[:12],
        other.manifest.fingerprint[:12],
        "captions/test.parquet: other bytes",
        "higher version",
    ):
        assert said in outcome.err
    assert published(hub.repos[REPO].main) == bytes_of(first.folder)


def test_the_same_rows_described_otherwise_are_told_apart_from_other_rows(
    hub, client, datasets
) -> None:
    push(client, datasets.build())
    outcome = push(client, datasets.build(homepage="http://localhost/new"))
    assert outcome.code == 1
    assert "Rows and settings are the same" in outcome.err
    assert "README.md: other bytes" in outcome.err
    assert "parquet" not in outcome.err


def test_a_later_version_replaces_main_and_leaves_the_earlier_one(hub, client, datasets) -> None:
    first = datasets.build()
    push(client, first)
    hub.repos[REPO].main["LICENSE"] = Blob(b"ours", False)
    later = datasets.build(version="1.1.0+small", shard_bytes=10**6)
    outcome = push(client, later)
    assert outcome.code == 0, outcome.err
    assert "data/train-00000-of-00003.parquet" in outcome.out
    repo = hub.repos[REPO]
    assert published(repo.main) == {**bytes_of(later.folder), "LICENSE": b"ours"}
    assert repo.commits[repo.tags["v1.1.0-small"]] == repo.main
    earlier = published(repo.commits[repo.tags["v1.0.0"]])
    assert {path: earlier[path] for path in bytes_of(first.folder)} == bytes_of(first.folder)
    old, new = (client.rows(REPO, "captions", tag) for tag in ("v1.0.0", "v1.1.0-small"))
    assert old == new

    lower = push(client, datasets.build(version="1.0.9"))
    assert lower.code == 1
    assert "holds version 1.1.0+small, later than 1.0.9" in lower.err


def test_a_connection_that_breaks_in_the_second_file_goes_on_with_it(hub, client, datasets) -> None:
    built = datasets.build()
    hub.break_uploads_after = 1
    broken = push(client, built)
    assert broken.code == 1
    assert "run the same command again" in broken.err
    assert "Traceback" not in broken.err
    assert len(hub.uploads) == 1
    assert hub.repos[REPO].tags == {}
    assert set(hub.repos[REPO].main) == {".gitattributes"}
    hub.break_uploads_after = None
    again = push(client, built)
    assert again.code == 0, again.err
    assert len(hub.uploads) == len(set(hub.uploads)) == 3 + 1 + 1 + 3 + 3
    assert published(hub.repos[REPO].main) == bytes_of(built.folder)


@pytest.mark.slow
def test_a_killed_push_goes_on(hub, client, datasets, tmp_path) -> None:
    built = datasets.build()
    hub.stall_uploads_after = 4
    command = [sys.executable, "-m", "dvtr_bench", "push", str(built.folder), "--repo", REPO]
    environment = {**os.environ, **client_environment(hub.address, tmp_path / "home")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        limit = time.monotonic() + 60
        while len(hub.uploads) < 4 and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    hub.stall_uploads_after = None
    hub.released.set()
    assert len(hub.uploads) == 4
    assert push(client, built).code == 0
    assert len(hub.uploads) == len(set(hub.uploads)) == 11


def test_a_commit_without_its_tag_gets_it(hub, client, datasets) -> None:
    built = datasets.build()
    hub.refuse["/tag/"] = 500
    assert push(client, built).code == 1
    hub.refuse.clear()
    commits = len(hub.repos[REPO].commits)
    assert push(client, built).code == 0
    repo = hub.repos[REPO]
    assert len(repo.commits) == commits
    assert published(repo.commits[repo.tags["v1.0.0"]]) == bytes_of(built.folder)


def test_a_changed_missing_or_unknown_file_is_not_published(hub, client, datasets) -> None:
    built = datasets.build()
    path = built.folder / "captions" / "test.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (built.folder / "qrels" / "train.parquet").unlink()
    (built.folder / "data" / "mine.parquet").write_bytes(b"")
    (built.folder / ".DS_Store").write_bytes(b"")
    outcome = push(client, built)
    assert outcome.code == 1
    assert "captions/test.parquet: its bytes changed" in outcome.err
    assert "qrels/train.parquet: missing" in outcome.err
    assert "data/mine.parquet: no file of this dataset" in outcome.err
    assert "DS_Store" not in outcome.err
    assert hub.repos == {}


def test_links_out_of_the_folder_are_not_published(hub, client, datasets, tmp_path) -> None:
    built = datasets.build()
    (tmp_path / "secret").write_text("secret")
    (built.folder / "trec" / "test.qrels").unlink()
    (built.folder / "trec" / "test.qrels").symlink_to(tmp_path / "secret")
    outcome = push(client, built)
    assert outcome.code == 1
    assert "test.qrels: a link" in outcome.err
    assert hub.repos == {}


def test_a_repository_of_something_else_is_left_alone(hub, client, datasets) -> None:
    built = datasets.build()
    hub.repos[REPO] = Repo()
    hub.repos[REPO].commit({"weights.bin": Blob(b"x", False)}, "mine")
    outcome = push(client, built)
    assert outcome.code == 1
    assert "holds something else already" in outcome.err
    assert "weights.bin" in outcome.err

    push(client, datasets.build(name="boats", version="0.9.0"), repo="lab/boats")
    outcome = push(client, built, repo="lab/boats")
    assert outcome.code == 1
    assert "holds the dataset 'boats', not 'drones'" in outcome.err


def test_a_dry_run_sends_nothing(hub, client, datasets) -> None:
    built = datasets.build()
    outcome = push(client, built, "--dry-run")
    assert outcome.code == 0
    assert "lab/drones as v1.0.0" in outcome.out
    assert "captions/test.parquet" in outcome.out
    assert hub.repos == {}
    assert {method for method, _ in hub.requests} == {"GET"}


def test_a_dry_run_needs_no_network(datasets, tmp_path) -> None:
    built = datasets.build()
    shown = subprocess.run(
        [
            sys.executable,
            "-m",
            "dvtr_bench",
            "push",
            str(built.folder),
            "--repo",
            REPO,
            "--dry-run",
        ],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "lab/drones as v1.0.0" in shown.stdout
    assert "note: what the Hub holds is not known: the Hub is not used" in shown.stdout
    assert shown.stdout.endswith("dry run: nothing was sent\n")


def test_private_is_private(hub, client, datasets) -> None:
    built = datasets.build()
    assert push(client, built, "--private").code == 0
    assert hub.repos[REPO].private

    push(client, built, repo="lab/open")
    outcome = push(client, built, "--private", repo="lab/open")
    assert outcome.code == 1
    assert "is public" in outcome.err


def refusal(hub: HubState, client: HubClient, built: BuiltDataset, user: User | None) -> str:
    users = dict(hub.users)
    hub.users.clear()
    if user:
        hub.users.update(dict.fromkeys(users, user))
    try:
        outcome = push(client, built)
    finally:
        hub.users.update(users)
    assert outcome.code == 1
    assert "Traceback" not in outcome.err
    return outcome.err


def test_refusals_of_the_hub_say_what_to_do(hub, client, datasets) -> None:
    built = datasets.build()
    assert "hf auth login" in refusal(hub, client, built, None)
    assert "may not write there" in refusal(hub, client, built, User("me", ("lab",), False))
    assert "may not write there" in refusal(hub, client, built, User("stranger"))
    hub.refuse["/commit/"] = 412
    assert "changed by someone else" in push(client, built).err
    hub.refuse = {"/commit/": 503}
    assert "run the same command again" in push(client, built).err
    assert push(client, built, repo="lab").err.startswith("error: --repo 'lab'")
    assert push(client, built, repo="lab/a b").err.startswith("error: --repo 'lab/a b'")


def test_frames_of_others_need_leave(hub, client, datasets) -> None:
    built = datasets.build(own_footage=False)
    outcome = push(client, built)
    assert outcome.code == 1
    assert "Nobody states a licence." in outcome.err
    assert "--annotations-only" in outcome.err
    assert hub.requests == []
    assert push(client, built, "--with-frames").code == 0


def test_annotations_only_is_what_an_annotations_only_build_gives(
    hub, client, datasets: Datasets
) -> None:
    built = datasets.build(own_footage=False)
    bare = datasets.build(own_footage=False, frames=False, shard_bytes=480_000_000)
    outcome = push(client, built, "--annotations-only")
    assert outcome.code == 0, outcome.err
    assert "annotations only, no frames" in outcome.out
    assert bare.manifest.fingerprint[:12] in outcome.out
    assert published(hub.repos[REPO].main) == bytes_of(bare.folder)
    assert push(client, bare).out.startswith("lab/drones as v1.0.0 is published already")

    with_frames = push(client, built, "--with-frames")
    assert with_frames.code == 1
    assert "(without frames)" in with_frames.err
    assert "(with frames)" in with_frames.err


def test_the_rows_read_here_are_those_that_were_built(datasets) -> None:
    built = datasets.build()
    rows = read_rows(str(built.folder), "default", None)
    assert rows["test"][0]["video_id"] == "église\u3000nord"
    assert rows["test"][0]["frames"][0][:2] == b"\xff\xd8"


def test_clips_are_published_under_a_named_licence(hub, client, datasets) -> None:
    built = datasets.build(keep_clips=True, licence=LicenceRecord("cc-by-4.0", "CC BY.", None))
    outcome = push(client, built)
    assert outcome.code == 0, outcome.err
    assert "frames and the clips" in outcome.out
    assert published(hub.repos[REPO].main) == bytes_of(built.folder)
    assert any(path.startswith("clips/") for path in hub.repos[REPO].main)


@pytest.mark.parametrize("own_footage", [True, False])
def test_clips_without_a_named_licence_stay_here(hub, client, datasets, own_footage) -> None:
    built = datasets.build(keep_clips=True, own_footage=own_footage)
    for options in ((), ("--with-frames",)):
        outcome = push(client, built, *options)
        assert outcome.code == 1
        assert "keeps its clips, and no named licence allows to publish them" in outcome.err
        assert "Build it without --keep-clips" in outcome.err
    assert hub.requests == []
    outcome = push(client, built, "--annotations-only", repo="lab/bare")
    assert outcome.code == 0, outcome.err
    assert not any(path.startswith("clips/") for path in hub.repos["lab/bare"].main)
    assert push(client, built, "--private").code == 0
    assert published(hub.repos[REPO].main) == bytes_of(built.folder)
