"""How many replicas the load asks for."""

from types import SimpleNamespace
from typing import Any

import pytest

from vgate.engine.ray_scaling import by_ongoing_requests


def context(metrics: Any, target: float = 4.0) -> Any:
    return SimpleNamespace(
        aggregated_metrics=metrics, config=SimpleNamespace(get_target_ongoing_requests=lambda: target)
    )


@pytest.mark.parametrize(
    ("metrics", "wanted"),
    [
        ({"ongoing": {"a": 8.0, "b": 4.0}}, 3.0),
        ({"ongoing": {"a": 1.0}}, 0.25),
        ({"ongoing": {}}, 0.0),
        ({}, 0.0),
        (None, 0.0),
    ],
)
def test_it_is_the_requests_under_way_over_the_target(metrics: Any, wanted: float) -> None:
    assert by_ongoing_requests(context(metrics)) == (wanted, {})
