"""What the process beside the gateway makes of calls, without Ray."""

import json
import sys
from typing import Any

import pytest

from vgate.engine import ray_driver
from vgate.engine.ray_driver import answers
from vgate.errors import EngineStartError

SECTIONS = json.dumps({"ray": {"address": None}, "replica": {}, "folder": None})


def asked(*calls: str) -> list[Any]:
    lines = [json.dumps([number, call]) for number, call in enumerate(calls)]
    return [json.loads(answer) for answer in answers(iter([SECTIONS, *lines]))]


class Stand:
    """In the place of a Cluster."""

    def __init__(self) -> None:
        self.abandoned = 0

    def replicas(self) -> dict[str, tuple[str, str]]:
        return {"a": ("http://127.0.0.1:1", "key")}

    def running(self) -> bool:
        raise EngineStartError("none could be started")

    def told(self) -> str:
        raise ZeroDivisionError("one\ntwo")

    def abandon(self) -> None:
        self.abandoned += 1


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    stand = Stand()
    monkeypatch.setattr(ray_driver, "_cluster", lambda **_: stand)
    return stand


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_SERVE_LOG_TO_STDERR", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "x")  # which it sets for itself
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "vgate.engine.ray_cluster", raising=False)
    ((number, kind, line),) = asked("connect")
    assert (number, kind) == (0, ray_driver.FAILED)
    assert "pip install 'vgate[ray]'" in line
    assert "\n" not in line


def test_each_call_is_answered_by_its_number_with_what_came_of_it(stand: Stand) -> None:
    assert asked("replicas", "running", "told") == [
        [0, ray_driver.DONE, {"a": ["http://127.0.0.1:1", "key"]}],
        [1, ray_driver.FAILED, "none could be started"],
        [2, ray_driver.UNKNOWN, "one two"],
    ]


def test_when_the_gateway_has_gone_what_it_started_is_abandoned(stand: Stand) -> None:
    assert list(answers(iter(()))) == []
    assert asked() == []
    assert stand.abandoned == 1
