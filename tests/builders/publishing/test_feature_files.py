"""Features on a local Hub: beside the dataset, under a tag of their own, read back and used."""

import json
from pathlib import Path

import pytest

import dvtr_bench as dvtr
from dvtr_bench.dataset.reader import BuiltDataset
from tests.builders.publishing.conftest import Datasets
from tests.fixtures.hub.client import HubClient, Outcome
from tests.fixtures.hub.state import HubState

REPO = "lab/drones"
TAG = "v1.0.0-features-tiny"


def push(client: HubClient, built: BuiltDataset, *options: str) -> Outcome:
    words = ["push", str(built.folder), "--repo", REPO, "--device", "cpu", *options]
    return client.run(*words, cwd=built.folder.parent)


def with_features(client: HubClient, built: BuiltDataset, *options: str) -> Outcome:
    return push(
        client, built, "--with-features", "tiny", "--features-for", "clip4clip_meanp", *options
    )


@pytest.mark.slow
def test_a_lab_trains_a_head_from_what_another_published(
    hub: HubState, client: HubClient, datasets: Datasets, tmp_path: Path
) -> None:
    built = datasets.build()
    outcome = with_features(client, built)
    assert outcome.code == 0, outcome.err
    assert f"features of tiny published as {TAG}" in outcome.out
    repo = hub.repos[REPO]
    of_features = {path for path in repo.main if path.startswith("features/")}
    assert {path.split("/")[1] for path in of_features} == {"tiny"}
    assert repo.commits[repo.tags[TAG]] == repo.main
    # The tag of the version is without them, as it was.
    assert not any(path.startswith("features/") for path in repo.commits[repo.tags["v1.0.0"]])
    # Another lab gets the files as they are, and trains.
    other = tmp_path / "other" / "drones"
    for path, blob in repo.commits[repo.tags[TAG]].items():
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        (other / path).write_bytes(blob.data)
    run = dvtr.train(
        "clip4clip_meanp", other, backbone="tiny", epochs=1, batch_size=2, freeze="backbone",
        recipe={"features": "published"}, device="cpu", runs=tmp_path / "runs",
        show_progress=False,
    )  # fmt: skip
    assert run.epochs_done == 1
    # Nothing is sent twice.
    commits = len(repo.commits)
    again = with_features(client, built)
    assert again.code == 0, again.err
    assert f"features of tiny published already as {TAG}" in again.out
    assert len(repo.commits) == commits


@pytest.mark.slow
def test_published_features_keep_their_bytes_and_leave_with_their_version(
    hub: HubState, client: HubClient, datasets: Datasets
) -> None:
    built = datasets.build()
    assert with_features(client, built).code == 0
    repo = hub.repos[REPO]
    about = built.folder / "features" / "tiny" / "features.json"
    other = {**json.loads(about.read_text()), "models": []}
    for path in (built.folder / "features" / "tiny").rglob("features.json"):
        path.write_text(json.dumps(other))
    hub.repos[REPO].commits[repo.tags[TAG]] = {
        path: blob for path, blob in repo.main.items() if path != "features/tiny/features.json"
    }
    refused = with_features(client, built)
    assert refused.code == 1
    assert f"{TAG} already, with other features" in refused.err
    later = datasets.build(version="1.1.0")
    assert push(client, later).code == 0
    assert not any(path.startswith("features/") for path in repo.main)
    late = with_features(client, built)
    assert late.code == 1


def test_damaged_features_are_not_published(
    hub: HubState, client: HubClient, datasets: Datasets
) -> None:
    from builders.publishing.feature_files import read_feature_files
    from dvtr_bench.errors import PublishError
    from dvtr_bench.training.published_features import write_published

    built = datasets.build()
    made = write_published(built, "tiny", ["clip4clip_meanp"], show_progress=False)
    whole = read_feature_files(built, made.folder)
    assert whole.tag == TAG
    path = next(made.folder.rglob("text_embeds.npy"))
    path.write_bytes(path.read_bytes()[:-4] + b"else")
    with pytest.raises(PublishError, match="text_embeds.npy: its bytes changed"):
        read_feature_files(built, made.folder)
    (made.folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(PublishError, match="link: a link instead of a file"):
        read_feature_files(built, made.folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--with-features", "tiny", "--annotations-only"), "contradict each other"),
        (("--features-for", "msam"), "name the backbone, --with-features"),
    ],
)
def test_options_that_contradict_each_other(
    options: tuple[str, ...], message: str, hub: HubState, client: HubClient, datasets: Datasets
) -> None:
    outcome = push(client, datasets.build(), *options)
    assert outcome.code == 1
    assert message in outcome.err
    assert hub.repos == {}


def test_what_may_not_be_published_is_not_computed(
    hub: HubState, client: HubClient, datasets: Datasets
) -> None:
    built = datasets.build(own_footage=False)
    outcome = with_features(client, built)
    assert outcome.code == 1
    assert "holds frames of others' footage" in outcome.err
    assert not (built.folder / "features").exists()
    assert hub.repos == {}
