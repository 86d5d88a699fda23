"""Models from elsewhere: an adapter's name before the colon, what it takes behind it."""

import pytest

import dvtr_bench as dvtr
from dvtr_bench.catalog import ADAPTERS, Catalog
from dvtr_bench.errors import ConfigError, ExtensionError, NotFoundError
from dvtr_bench.models.entry import model_entry
from dvtr_bench.models.retriever import Described, Retriever, StagedRetriever, VectorRetriever
from dvtr_bench.results.files import read_result
from tests.fixtures.adapters import colours
from tests.fixtures.tiny_dataset import build_tiny


@pytest.fixture(autouse=True)
def _adapters(monkeypatch) -> None:
    ours = Catalog(ADAPTERS.kind, ("tests.fixtures.adapters",), "here", needs=ADAPTERS.needs)
    monkeypatch.setattr("dvtr_bench.models.entry.ADAPTERS", ours)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_tiny(tmp_path_factory.mktemp("tiny"))


def test_a_name_with_a_colon_goes_to_its_adapter() -> None:
    entry = model_entry("Colours:green")
    assert (entry.key, entry.reference, entry.trainable) == ("colours:green", "green", False)
    model = entry.build({"weight": 2.0})
    for protocol in (Retriever, StagedRetriever, VectorRetriever, Described):
        assert isinstance(model, protocol)
    assert (model.name, model.channel, model.config.weight) == ("colours:green", 1, 2.0)


@pytest.mark.parametrize(
    ("name", "failure", "said"),
    [
        ("colours:", ConfigError, "names no model.*colours:red"),
        ("colors:red", NotFoundError, "no source of models.*did you mean colours"),
        ("hf:x/y", NotFoundError, "no source of models is called 'hf': there are colours"),
    ],
)
def test_what_no_adapter_takes_is_told(name, failure, said) -> None:
    with pytest.raises(failure, match=said):
        model_entry(name)


def test_a_name_without_its_adapter_is_refused(monkeypatch) -> None:
    def unnamed(self, reference, config) -> None:
        super(colours.Model, self).__init__(reference, config)

    monkeypatch.setattr(colours.Model, "__init__", unnamed)
    with pytest.raises(ExtensionError, match="begins with colours:"):
        model_entry("colours:red").build({})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_frames": 0}, "at least 1 or none, found 0"),
        ({"dtype": "int8"}, "one of float32, bfloat16, float16"),
        ({"prompt": "x"}, "no such setting: prompt"),
    ],
)
def test_settings_are_checked(settings, said) -> None:
    with pytest.raises(ConfigError, match=said):
        model_entry("colours:red").config(settings)


def test_it_is_evaluated_as_any_model_and_its_result_says_how(built, tmp_path) -> None:
    model = dvtr.load_model("colours:red", settings={"max_frames": 2}, device="cpu")
    result = dvtr.evaluate(
        model, built, split="test", results=tmp_path / "results", device="cpu", show_progress=False
    )
    record = result.record
    assert record.kind == "model"
    assert record.model.name == "colours:red"
    assert record.model.config == {
        "max_frames": 2,
        "dtype": "float32",
        "weight": 1.0,
        "frames_to_video": "mean",
    }
    assert record.environment.libraries["pytest"] == pytest.__version__
    assert set(model.num_frames) == {2}
    assert record.honesty
    (named,) = dvtr.evaluate_all(
        "colours:red",
        str(built.folder),
        settings=["max_frames=2"],
        results=tmp_path / "named",
        device="cpu",
        show_progress=False,
    )
    for direction, ranks in record.ranks.items():
        assert named.record.ranks[direction] == ranks
    again = read_result(next((tmp_path / "named").glob("*.json")))
    assert again.model.name == "colours:red"


def test_its_vectors_are_kept_and_depend_on_the_settings(built) -> None:
    one, other = (
        model_entry("colours:red").build({"max_frames": frames, "weight": weight})
        for frames, weight in ((2, 1.0), (2, 0.5))
    )
    assert one.feature_key("videos") != other.feature_key("videos")
    found = dvtr.search(
        "a red roof", model="colours:red", dataset=built, device="cpu", show_progress=False
    )
    assert len(found.clips) == 10
