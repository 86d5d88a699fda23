import itertools

import pytest

from dvtr_bench.dataset.fingerprint import Fingerprint, canonical_json, ids_sha256


def test_one_spelling() -> None:
    assert canonical_json({"b": [1, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,null]}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_different_ids_hash_differently() -> None:
    lists = [[], [""], ["ab"], ["a", "b"], ["b", "a"], ["a "], ["a"], ['a"', "b"], ["a\n", "b"]]
    for first, second in itertools.combinations(lists, 2):
        assert ids_sha256(first) != ids_sha256(second)


def test_rows_settings_and_order_count() -> None:
    def of(settings: dict[str, str], *rows: dict[str, object]) -> str:
        whole = Fingerprint(settings)
        for row in rows:
            whole.add(row)
        return whole.hexdigest()

    one, two = {"id": "a", "n": 1}, {"id": "b", "n": 2}
    assert of({"s": "x"}, one, two) == of({"s": "x"}, {"n": 1, "id": "a"}, two)
    found = [of({"s": "x"}, one, two), of({"s": "x"}, two, one), of({"s": "y"}, one, two)]
    assert len(set(found)) == 3
