"""A study file is read whole and checked whole: what is wrong is said with its file and line."""

from pathlib import Path

import pytest

from baselines.weights.backbone_spec import parse_backbone
from dvtr_bench.catalog import MODELS
from dvtr_bench.errors import ConfigError, InputError, NotFoundError
from dvtr_bench.studies.read import read_study
from dvtr_bench.studies.study import Row
from dvtr_bench.studies.study_file import shipped_studies

GOOD = """\
title = "Two heads"
about = '''
  What a head
  adds.
'''
seeds = [1, 2]
backbone = "tiny"
reference = "msam"
figures = ["R@1", "MnR"]
breakdowns = ["caption_length"]

[settings]
max_words = 20

[recipe]
epochs = 2
frames_a_step = "none"

[recipes.long]
epochs = 9
max_grad_norm = 2

[datasets.aerosynth-small]
builder = "aerosynth"
size = "small"

[datasets.mine]

[models.msam]
[models."K=3"]
model = "msam"
about = "fewer semantics"
settings = { num_semantics = 3, text_block = "all" }
recipe = "long"

[[questions]]
name = "fewer"
first = "msam"
second = "K=3"
about = "Three semantics in place of seven"

[[conclusions]]
gains = ["fewer"]
say = "Fewer will do."
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_study_holds(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, GOOD), parse_backbone)
    assert (study.name, study.title, study.about) == ("mine", "Two heads", "What a head adds.")
    assert (study.seeds, study.reference, study.figures) == ((1, 2), "msam", ("R@1", "MnR"))
    first, second = study.rows
    assert first == Row(
        "msam", "msam", "", "tiny", {"max_words": 20}, {"epochs": 2, "frames_a_step": None}
    )
    assert second.settings == {"max_words": 20, "num_semantics": 3, "text_block": "all"}
    assert second.recipe == {"epochs": 9, "frames_a_step": None, "max_grad_norm": 2.0}
    assert isinstance(second.recipe["max_grad_norm"], float)
    built, mine = study.datasets
    assert (built.name, built.builder, built.options) == (
        "aerosynth-small",
        "aerosynth",
        {"size": "small"},
    )
    assert mine.builder is None
    assert study.conclusion({"fewer": "gain"}) == "Fewer will do."
    assert study.conclusion({"fewer": "loss"}) == ""
    assert study.conclusion({}) == ""


@pytest.mark.parametrize(
    ("was", "now", "line", "said"),
    [
        ("seeds = [1, 2]", "sedes = [1, 2]", 6, "no key 'sedes' here: did you mean seeds?"),
        ("seeds = [1, 2]", "seeds = [\n1,\n'two']", 8, "seeds takes a whole number, found 'two'"),
        ("seeds = [1, 2]", "seeds = [1, 1]", 6, "seeds has 1 twice"),
        ("seeds = [1, 2]", "seeds = [1, -1]", 6, "a seed is 0 or more"),
        ("seeds = [1, 2]", "seeds = 3", 6, "seeds takes an array, found 3"),
        ("seeds = [1, 2]", "seeds = []", 1, "needs seeds"),
        ('title = "Two heads"', "title = 2", 1, "title takes text"),
        ('"tiny"', '"ViT-B-99/openai"', 7, "no architecture called 'ViT-B-99'"),
        ('"tiny"', '"ViT-B-32"', 7, "names no weights"),
        ('reference = "msam"', 'reference = "full"', 8, "no model 'full': there are msam, K=3"),
        ('"MnR"', '"R@7"', 9, "no 'R@7' among figures: R@1, R@5"),
        ('"caption_length"', '"colour"', 10, "no 'colour' among breakdowns"),
        ("max_words = 20", "max_word = 20", 13, "no setting 'max_word': did you mean max_words?"),
        ("max_words = 20", "max_words = 1", 13, "max_words must be at least 3"),
        ("epochs = 2", "epochs = 0", 16, "epochs must be at least 1"),
        ("epochs = 2", "epochs = 2.5", 16, "epochs takes a whole number, found 2.5"),
        ("epochs = 2", "seed = 2", 16, "seeds belong to the whole study"),
        ("max_grad_norm = 2", 'max_grad_norm = "two"', 21, "takes a number, found 'two'"),
        ('"aerosynth"', '"aerosynths"', 24, "no dataset is called 'aerosynths'"),
        ('size = "small"', 'size = "huge"', 25, "--size huge: expected"),
        ('size = "small"', 'sise = "small"', 25, "no setting 'sise': did you mean size?"),
        ('size = "small"', 'sampling = "often"', 25, "sampling: expected '12'"),
        ('size = "small"', 'missing = "skip"', 25, "expected stop or drop"),
        ("[datasets.mine]", "[datasets.mine]\nsize = 1", 28, "no builder is named"),
        ("[datasets.mine]", '[datasets."a b"]', 27, "cannot name a dataset"),
        ("[models.msam]", "[models.masm]", 29, "no model is called 'masm': did you mean msam?"),
        ('model = "msam"', 'modell = "msam"', 31, "did you mean model?"),
        ("num_semantics = 3", "num_semantic = 3", 33, "did you mean num_semantics?"),
        ("num_semantics = 3", "num_semantics = true", 33, "takes a whole number, found True"),
        ("num_semantics = 3", "num_semantics = 0", 33, "num_semantics must be at least 1"),
        ('text_block = "all"', 'text_block = "al"', 33, "takes a whole number | all | text_bank"),
        ('text_block = "all"', 'backbone = "tiny"', 33, "backbone is a key of its own"),
        (
            'num_semantics = 3, text_block = "all"',
            "kl_loss = false, diversity_loss = false",
            33,
            "nothing trains the semantic branch",
        ),
        (
            'settings = { num_semantics = 3, text_block = "all" }\nrecipe = "long"',
            "",
            30,
            "K=3 is the same as msam",
        ),
        ('recipe = "long"', 'recipe = "longer"', 34, "no recipe 'longer': there are long"),
        ('second = "K=3"', 'second = "K=4"', 36, "asks about 'K=4'"),
        ('second = "K=3"', "", 36, "questions needs second"),
        ('gains = ["fewer"]', 'gains = ["more"]', 43, "no question 'more': there are fewer"),
        ("[models.msam]", "[[questions]]\nname = 'fewer'\nfirst = 'msam'\nsecond = 'K=3'\n"
         "about = 'x'\n[models.msam]", 42, "two questions called fewer"),
        ("[settings]", "[pages]\nstudy = 'a/b.md'\n[settings]", 13, "expected a file name"),
        ("[settings]", "split = 'train'\n[settings]", 12, "expected test or validation"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, was: str, now: str, line: int, said: str
) -> None:
    assert GOOD.count(was) >= 1
    path = write(tmp_path, GOOD.replace(was, now, 1))
    with pytest.raises(ConfigError) as raised:
        read_study(path, parse_backbone)
    assert str(raised.value).startswith(f"{path}, line {line}: "), raised.value
    assert said in str(raised.value)


def test_lines_end_as_windows_has_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(GOOD.replace("epochs = 9", "epochs = 0").replace("\n", "\r\n").encode())
    with pytest.raises(ConfigError, match="line 20: epochs must be at least 1"):
        read_study(path)


def test_a_table_twice_and_other_broken_syntax(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not a TOML file .*Cannot declare .*msam.*at line 4"):
        read_study(write(tmp_path, "[models.msam]\n\n\n[models.msam]\n"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read as a study"):
        read_study(tmp_path / "bytes.toml")


def test_a_study_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"did you mean quickstart\? the package has .*; a fil"):
        read_study("quikstart")
    with pytest.raises(NotFoundError, match=r"there is no study at .*none\.toml"):
        read_study(tmp_path / "none.toml")


def test_no_models(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 1: the study mine has no models"):
        read_study(write(tmp_path, "seeds = [1]"))


def test_a_backbone_of_the_studys_own(tmp_path: Path) -> None:
    text = """
backbone = "mine"
[recipes.first]
epochs = 1
[backbones.mine]
model = "clip4clip_meanp"
backbone = "tiny"
recipe = "first"
[models.msam]
"""
    study = read_study(write(tmp_path, text), parse_backbone)
    own = study.backbones["mine"]
    assert (own.model, own.settings, own.recipe) == (
        "clip4clip_meanp",
        {"backbone": "tiny"},
        {"epochs": 1},
    )
    assert study.rows[0].backbone == "mine"
    untrained = text.replace("clip4clip_meanp", "clip_zeroshot")
    with pytest.raises(ConfigError, match="line 6: clip_zeroshot is not trained"):
        read_study(write(tmp_path, untrained), parse_backbone)
    other = text.replace('backbone = "tiny"', 'backbone = "large"')
    with pytest.raises(ConfigError, match="line 7: .*'large'"):
        read_study(write(tmp_path, other), parse_backbone)


def test_every_model_is_a_row_unless_a_row_says_more_of_it(tmp_path: Path) -> None:
    text = 'every_model = true\nbackbone = "tiny"\n[models.msam]\nabout = "ours"\n'
    study = read_study(write(tmp_path, text))
    assert sorted(row.name for row in study.rows) == sorted(MODELS.names())
    assert {row.name: row.about for row in study.rows}["msam"] == "ours"


def test_a_study_takes_models_from_others(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "base.toml")
    text = """
include = ["base.toml"]
backbone = "tiny"
seeds = [7]
[models.xpool]
[models.msam]
"""
    study = read_study(write(tmp_path, text), parse_backbone)
    assert [row.name for row in study.rows] == ["msam", "K=3", "xpool"]
    # What an included study says of all models is not taken along: it is this study's to say.
    assert study.rows[1].settings == {"num_semantics": 3, "text_block": "all"}
    assert study.rows[1].recipe == {"epochs": 9, "max_grad_norm": 2.0}
    assert (study.seeds, study.datasets, study.reference) == ((7,), (), None)
    assert [question.name for question in study.questions] == ["fewer"]

    differs = text.replace("[models.msam]", "[models.msam]\nsettings = { num_semantics = 5 }")
    with pytest.raises(ConfigError, match=r"mine.toml, line 6: the model msam is in .*base.toml"):
        read_study(write(tmp_path, differs), parse_backbone)
    write(tmp_path, 'include = ["mine.toml"]', "other.toml")
    loop = text.replace("base.toml", "other.toml")
    with pytest.raises(ConfigError, match=r"other.toml, line 1: mine.toml includes this study"):
        read_study(write(tmp_path, loop), parse_backbone)
    with pytest.raises(ConfigError, match=r"mine.toml, line 2: there is no study at .*nowhere"):
        read_study(write(tmp_path, text.replace("base.toml", "nowhere.toml")))


def test_paths_are_meant_from_the_file_on(tmp_path: Path) -> None:
    text = """
[datasets.mine]
builder = "folder"
clips = "clips"
captions = "/data/captions.csv"
[models.msam]
"""
    (dataset,) = read_study(write(tmp_path, text)).datasets
    assert dataset.options == {
        "clips": tmp_path / "clips",
        "captions": Path("/data/captions.csv"),
    }


def test_a_version_that_is_built_can_be_named(tmp_path: Path) -> None:
    text = '[datasets."mine@1.1.0+small"]\n[models.msam]\n'
    (dataset,) = read_study(write(tmp_path, text)).datasets
    assert dataset.name == "mine@1.1.0+small"
    built = text.replace("[models", 'builder = "folder"\n[models')
    with pytest.raises(ConfigError, match="cannot name a dataset"):
        read_study(write(tmp_path, built))


@pytest.mark.parametrize("name", shipped_studies())
def test_studies_of_the_package_can_be_read(name: str) -> None:
    study = read_study(name, parse_backbone)
    assert study.title != study.name
    assert study.rows
