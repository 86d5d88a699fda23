import pytest

from builders.aerosynth import ClipPlan, GroundTruth, ground_truth, plan_clips


@pytest.fixture(scope="session")
def plans() -> list[ClipPlan]:
    return plan_clips("small")


@pytest.fixture(scope="session")
def full_plans() -> list[ClipPlan]:
    return plan_clips("full")


@pytest.fixture(scope="session")
def truths(plans: list[ClipPlan]) -> list[GroundTruth]:
    """The truth about every fourth clip; the step shares no factor with the number of stories."""
    return [ground_truth(plan) for plan in plans[::4]]
