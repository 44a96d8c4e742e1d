import pytest

from vgate.percentile import minimum_n


@pytest.mark.parametrize(("percent", "least"), [(50, 7), (90, 44), (95, 90), (99, 459), (99.9, 4603)])
def test_minimum_n_is_mlperfs(percent: float, least: int) -> None:
    assert minimum_n(percent) == least
