"""`dvtr-bench build NAME` takes what NAME takes: made from its dataclass, nothing kept by hand."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builders.sources.source import flag
from dvtr_bench.catalog import DATASETS
from dvtr_bench.cli import make_app

NAMES = DATASETS.names()
SPELLINGS = {
    "activitynet": ["--annotations", "--clips", "--protocol", "--validation-fraction"],
    "aerosynth": ["--size", "--seed", "--clips-to"],
    "capera": ["--annotations", "--clips", "--validation-fraction"],
    "didemo": ["--annotations", "--clips", "--protocol"],
    "folder": [
        *("--name", "--clips", "--captions", "--group-by", "--seed", "--ratios", "--encoding"),
        *("--draw", "--splits-from"),
        *("--version", "--licence", "--license", "--citation", "--language"),
    ],
    "geotext1652": ["--annotations", "--clips", "--validation-fraction"],
    "lsmdc": ["--annotations", "--clips"],
    "msrvtt": ["--annotations", "--clips", "--split", "--validation-fraction"],
    "msvd": ["--annotations", "--clips"],
    "umcrd": ["--annotations", "--clips"],
    "usrd": ["--annotations", "--clips"],
    "vatex": ["--annotations", "--clips", "--split", "--lists"],
}
"""The options of each dataset, as users know them."""

GENERAL = [
    *("--annotations-only", "--name", "--root", "--sampling", "--format", "--missing"),
    *("--frames", "--keep-clips"),
    *("--move-test-clips", "--reuse", "--no-reuse"),
    *("--near-duplicates", "--no-near-duplicates"),
    *("--overwrite", "--workers", "--executor", "--address", "--clip-seconds-limit"),
    *("--json", "--quiet"),
]


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(make_app(), ["build", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return 1, f"{type(result.exception).__name__}: {result.exception}"
    return result.exit_code, result.output


def shown_options(page: str) -> set[str]:
    starts = [line.strip() for line in page.splitlines() if line.startswith("  -")]
    return {
        word.rstrip(",") for line in starts for word in line.split("  ")[0].split() if "--" in word
    }


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_dataset_shows_its_options_and_the_general_ones_alone(name: str) -> None:
    status, page = run(name, "--help")
    assert status == 0
    assert shown_options(page) == {*SPELLINGS[name], *GENERAL, "--help"}
    own = page.partition("Options of every build:")[0]
    for field in dataclasses.fields(DATASETS.load(name).Options):
        assert flag(field.name) in own
        if field.default is dataclasses.MISSING:
            assert "[required]" in own


def test_types_defaults_and_choices_are_shown() -> None:
    page = " ".join(run("aerosynth", "--help")[1].split())
    assert (
        "--size tiny|small|full|large How many clips: tiny, small, full or large. [default: small]"
        in page
    )
    assert "--clips-to <path>" in page
    assert "--seed <int> Another seed, other clips of the same kind. [default: 0]" in page
    assert "--annotations <path>|auto" in run("usrd", "-h")[1]


def test_help_without_a_name_is_short_and_names_the_datasets() -> None:
    status, page = run("--help")
    assert status == 0
    assert ", ".join(NAMES) in " ".join(page.split())
    assert shown_options(page) == {*GENERAL, "--help"}
    assert len(page.splitlines()) < 40


def test_help_of_a_dataset_loads_no_torch() -> None:
    script = (
        "import sys\n"
        "from dvtr_bench.cli import make_app\n"
        "try: make_app()(['build', 'folder', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("usrd", "--ratios", "3"), "--ratios is not an option of usrd: did you mean --anno"),
        (("usrd", "--anotations", "auto"), "did you mean --annotations?"),
        (("--capitons=x", "folder"), "not an option of folder: did you mean --captions?"),
        (("aerosynth", "--size", "huge"), "--size takes tiny | small | full | large, found 'huge'"),
        (("aerosynth", "--seed", "one"), "--seed takes a whole number, found 'one'"),
        (("capera", "--validation-fraction", "x"), "--validation-fraction takes a number"),
        ((), "Missing argument"),
        (("usrd", "capera"), "unexpected extra argument"),
    ],
)  # fmt: skip
def test_wrong_usage_has_status_two(words: tuple[str, ...], message: str) -> None:
    status, told = run(*words)
    assert status == 2
    assert message in " ".join(told.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("usr",), "no dataset is called 'usr': did you mean usrd"),
        (("usrd",), "usrd needs --annotations: the folder with raw-captions.pkl"),
        (("folder", "--clips", "x"), "folder needs --name: the name"),
        (("USRD", "--annotations", "nowhere"), "--annotations nowhere: expected raw-captions.pkl"),
        # Options may stand before the name, also those that only the dataset knows.
        (("--annotations", "nowhere", "usrd"), "--annotations nowhere: expected raw-captions.pkl"),
        (("--name", "umcrd", "--annotations=nowhere", "usrd"), "nowhere: expected raw-captions"),
        (("--overwrite", "--license", "CC BY", "folder", "--name", "a"), "--licence 'CC BY' is no"),
    ],
)
def test_what_is_said_after_the_words_are_read(words: tuple[str, ...], message: str) -> None:
    status, told = run(*words)
    assert status == 1
    assert message in " ".join(told.split())


def test_a_field_added_to_a_dataset_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclasses.dataclass(frozen=True)
    class Options:
        """Options.

        Attributes:
            deep: Whether to look into folders of folders.
            depth: How deep.
        """

        deep: bool = False
        depth: int | None = None

    taken: list[Options] = []

    def read(options: Options) -> None:
        taken.append(options)
        raise LookupError

    module = DATASETS.load("folder")
    monkeypatch.setattr(module, "Options", Options)
    monkeypatch.setattr(module, "read", read)
    page = " ".join(run("folder", "--help")[1].split())
    assert "--deep / --no-deep Whether to look into folders of folders." in page
    assert "--depth <int> How deep." in page
    for words in (["--deep", "--depth", "3", "folder"], ["folder", "--depth=3", "--deep"]):
        run(*words)
    run("folder")
    assert taken == [Options(deep=True, depth=3)] * 2 + [Options()]


def test_a_field_that_every_build_has_already_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclasses.dataclass(frozen=True)
    class Options:
        """Options."""

        root: Path | None = None

    monkeypatch.setattr(DATASETS.load("folder"), "Options", Options)
    status, told = run("folder")
    assert status == 1
    assert "ExtensionError: builders/datasets/folder.py: Options has the field root" in told
