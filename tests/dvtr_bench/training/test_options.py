import pytest

from dvtr_bench.errors import ConfigError
from dvtr_bench.settings import parse_settings
from msam.models.msam import Config


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("text_block=1", {"text_block": 1}),
        ("text_block=all", {"text_block": "all"}),
        ("text-block = text_bank", {"text_block": "text_bank"}),
        ("semantics=false", {"semantics": False}),
        ("kl_loss=on", {"kl_loss": True}),
        ("pooling=max", {"pooling": "max"}),
        ("num_semantics=9", {"num_semantics": 9}),
        ("backbone=ViT-B-32/a=b.pt", {"backbone": "ViT-B-32/a=b.pt"}),
    ],
)
def test_settings_take_the_type_of_their_field(setting, expected) -> None:
    found = parse_settings(Config, [setting])
    assert found == expected
    assert type(next(iter(found.values()))) is type(next(iter(expected.values())))
    Config(**found)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pooling", "name=value"),
        ("poling=max", "no setting 'poling'"),
        ("pooling=min", r"pooling takes mean \| max \| attention \| fusion"),
        ("text_block=some", r"text_block takes a whole number \| all \| text_bank"),
        ("semantics=perhaps", "semantics takes true"),
    ],
)
def test_wrong_settings_are_named(setting, message) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_settings(Config, [setting])
