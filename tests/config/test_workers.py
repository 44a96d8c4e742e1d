"""An engine's workers and how they are treated: what is refused, in one line that shows no key."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from tests.config.composing import serve
from vgate.config.secrets import without_secrets
from vgate.config.workers_schema import WorkersSettings

SECTION: dict[str, Any] = {
    "workers": [],
    "workers_file": None,
    "workers_dns": None,
    "dns": {"refresh_s": 5.0, "keep_s": 60.0, "max_workers": 64, "family": "any"},
    "health": {"path": None, "interval_s": 2.0, "timeout_s": 2.0, "rise": 2, "fall": 2, "slow_start_s": 10.0},
    "breaker": {"failures": 5, "failure_share": 0.5, "window": 20, "open_s": 2.0, "max_open_s": 60.0},
    "retry": {"max_attempts": 3, "share": 0.1, "reserve": 10},
    "hedge": {"after_ms": None},
}


class Engine(BaseModel):
    """What an engine's section has besides, in front."""

    target: str = "vgate.engine.x.X"


class Strict(WorkersSettings, Engine):
    model_config = ConfigDict(extra="forbid", strict=True)


def read(**changes: Any) -> WorkersSettings:
    return Strict.model_validate(SECTION | changes)


def why(**changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        read(**changes)
    first = error.value.errors(include_url=False)[0]
    assert "\n" not in first["msg"]
    assert "sk-secret" not in first["msg"]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def test_a_url_is_enough_and_is_kept_in_one_spelling() -> None:
    found = read(workers=["HTTP://A:8000/v1/", {"url": "https://b", "weight": 2, "name": "big"}]).workers
    assert [(worker.url, worker.shown_name, worker.weight) for worker in found] == [
        ("http://a:8000", "a:8000", 1.0),
        ("https://b", "big", 2),
    ]


@pytest.mark.parametrize("given", [{}, {"workers": ["http://a"], "workers_dns": "a:1"}])
def test_there_is_exactly_one_source(given: dict[str, Any]) -> None:
    assert "give one of engine.workers, engine.workers_file, engine.workers_dns; there is" in why(**given)


@pytest.mark.parametrize(
    ("workers", "told"),
    [
        (["http://a", "http://A:80/v1"], "every url must be there once; http://a is there 2 times"),
        ([{"url": "http://a", "name": "x"}, {"url": "http://b", "name": "x"}], "every name must be there once; x"),
        ([{"url": "http://a", "name": "b:1"}, "http://b:1"], "every name must be there once; b:1"),
        (["a:8000"], "must begin with http:// or https://"),
        (["http://u:sk-secret@a"], "must not have a user or password"),
        ([{"url": "http://a", "weight": 0}], "greater than 0"),
        ([{"url": "http://a", "max_concurrency": 0}], "greater than or equal to 1"),
        ([{"url": "http://a", "models": []}], "at least 1 item"),
        (
            [{"url": "http://a", "key": "sk-secret", "key_env": "HOME"}],
            "only one may be given of key, key_file, key_env",
        ),
        ([{"url": "http://a", "key_file": "/gone/key"}], "the file /gone/key cannot be read"),
        ([{"url": "http://a", "key_env": "NOT_THERE"}], "the variable NOT_THERE is not set"),
        ([{"url": "http://a", "name": "two words"}], "match pattern"),
        ([{"url": "http://a", "keys": "sk-secret"}], "Extra inputs are not permitted"),
        ([3], "valid dictionary"),
    ],
)
def test_workers_that_are_refused(workers: list[Any], told: str) -> None:
    assert told in why(workers=workers)


def test_a_file_is_read_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "workers.yaml"
    path.write_text("- http://a\n- {url: http://b, weigth_: 2}\n")
    assert "1.weigth_: Extra inputs are not permitted" in why(workers_file=str(path))
    assert "cannot be read" in why(workers_file=str(tmp_path / "gone"))
    path.write_text("[http://a]")
    assert read(workers_file=str(path)).workers_file == str(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"retry": SECTION["retry"] | {"share": 0.11}},
        {"retry": SECTION["retry"] | {"max_attempts": 0}},
        {"health": SECTION["health"] | {"path": "ready"}},
        {"health": SECTION["health"] | {"rise": 0}},
        {"breaker": SECTION["breaker"] | {"failure_share": 1.5}},
        {"hedge": {"after_ms": 0}},
        {"hedge": {"after_ms": 100}, "retry": SECTION["retry"] | {"max_attempts": 1}},
        {"workers_dns": "vllm"},
        {"dns": SECTION["dns"] | {"max_workers": 0}},
    ],
    ids=str,
)
def test_bounds(wrong: dict[str, Any]) -> None:
    assert why(**({"workers": ["http://a"]} | wrong))


def test_O6_keys_are_shown_nowhere() -> None:
    settings = read(workers=[{"url": "http://a", "key": "sk-secret"}])
    assert "sk-secret" not in repr(settings)
    assert "sk-secret" not in str(without_secrets({"engine": settings.model_dump()}))


def test_routing_without_workers_is_noted() -> None:
    assert serve("engine=dry_run", "routing=round_robin").notes == [
        "routing=round_robin has no effect with engine=dry_run, which has no workers"
    ]
    assert serve("engine=dry_run").notes == []
