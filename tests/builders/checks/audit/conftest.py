import pytest

from builders.checks.audit.findings import frame_similarity


@pytest.fixture(autouse=True)
def few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare few different clips: most tests ask whether they are compared, not how well."""
    monkeypatch.setattr(frame_similarity, "PAIRS", 30)
