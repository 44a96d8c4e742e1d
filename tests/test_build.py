"""From configuration to objects."""

import asyncio
from typing import Any

import pytest

from tests.calls import ask, asked, chat
from vgate import build
from vgate.api.admin import SWAPPABLE
from vgate.api.service import Service
from vgate.batch.lockstep import Lockstep
from vgate.batch.passthrough import Passthrough
from vgate.build import build_engine, build_gateway, build_security, build_service, reconfigure
from vgate.cache.lru import LruCache
from vgate.config import Settings, compose
from vgate.config.graph import graph_hash
from vgate.dedup.batch import BatchDedup
from vgate.engine.dry_run import DryRunEngine
from vgate.engine.vllm import VllmEngine
from vgate.errors import ApiError
from vgate.observe.base import Observers
from vgate.security.keys import Keys

DRY = ["+preset=dry_run", "model.served_model_name=test", "engine.decode_step_ms=10"]
KEYED = ["security=keys", "security.api_keys=[{key: sk-a, name: a, rate_limit: 2}]"]


def settings_of(*overrides: str) -> Settings:
    return compose("serve", list(overrides), {}).settings


def part(service: Service, name: str) -> Any:
    return getattr(service.gateway, f"_{name}")


async def test_a_service_is_what_its_settings_say() -> None:
    overrides = ["batch=lockstep", "batch.max_batch_size=3", "batch.max_wait_time_ms=7", "cache.maxsize=5"]
    service = build_service(settings_of(*DRY, *overrides, "dedup=batch", *KEYED))
    assert isinstance(service.engine, DryRunEngine)
    assert isinstance(service.security, Keys)
    assert isinstance(service.gateway.cache.inner, LruCache)
    assert isinstance(service.gateway.dedup, BatchDedup)
    batch = part(service, "batch")
    assert isinstance(batch, Lockstep)
    assert (batch.max_batch_size, batch.max_wait_s) == (3, pytest.approx(0.007))
    assert service.gateway.engine is service.engine


async def test_nothing_is_started_and_nothing_is_global() -> None:
    one, other = (build_service(settings_of(*DRY)) for _ in range(2))
    assert not one.ready
    await one.engine.start()
    assert not one.ready, "the embedding engine is not"
    await one.embedding.start()
    assert (one.ready, other.ready) == (True, False)
    one.stopping = True
    assert not one.ready
    for name in ("engine", "embedding", "embeddings", "gateway", "metrics", "observer", "security"):
        assert getattr(one, name) is not getattr(other, name)


def test_the_engine_is_told_which_model_to_load() -> None:
    engine: Any = build_engine(settings_of("+preset=cpu", "model.max_num_seqs=7", "engine.extra_args={a: 1}"))
    assert isinstance(engine, VllmEngine)
    assert (engine._model["served_model_name"], engine._model["max_num_seqs"]) == ("tiny", 7)
    assert engine._extra_args == {"a": 1}
    assert not engine.ready


def test_components_get_plain_python_values() -> None:
    """No Hydra types reach them."""
    engine: Any = build_engine(settings_of("+preset=cpu", "engine.extra_args={a: [1, {b: 2}]}"))
    assert type(engine._extra_args) is dict
    assert type(engine._extra_args["a"]) is list
    assert type(engine._extra_args["a"][1]) is dict


async def test_security_comes_from_the_section() -> None:
    security = build_security(settings_of(*DRY, *KEYED), Observers())
    caller = await security.identify("/v1/models", "Bearer sk-a")
    assert (await security.enter(caller, 0)).headers["x-ratelimit-limit"] == "2"
    with pytest.raises(ApiError, match="No API key"):
        await security.identify("/v1/models", None)


async def test_O6_a_server_does_not_remember_its_keys() -> None:
    service = build_service(settings_of(*DRY, *KEYED))
    for _ in range(2):
        assert "sk-a" not in str(service.settings.model_dump())
        assert graph_hash(service.settings) == graph_hash(settings_of(*DRY, *KEYED))
        caller = await service.security.identify("/v1/models", "Bearer sk-a")
        assert caller.name == "a"
        reconfigure(service, settings_of(*DRY, *KEYED), ["security"])
    assert int((await service.security.headers(caller))["x-ratelimit-remaining"]) == 2
    await service.close()


async def test_R13_reconfiguring_leaves_what_was_used() -> None:
    service = build_service(settings_of(*DRY, *KEYED))
    caller = await service.security.identify("/v1/models", "Bearer sk-a")
    await service.security.enter(caller, 0)
    changed = settings_of(*DRY, *KEYED, "security.rate_limiting.window_seconds=100")
    reconfigure(service, changed, ["security"], keep_usage=True)
    assert (await service.security.headers(caller))["x-ratelimit-remaining"] == "1"
    await service.close()


async def test_reconfiguring_exchanges_all_but_the_engine_and_its_metrics() -> None:
    service = build_service(settings_of(*DRY))
    await service.engine.start()
    await service.embedding.start()
    await ask(service.gateway, chat("same"))
    embedding = service.embedding
    before = vars(service).copy()
    reconfigure(service, settings_of(*DRY, "batch=lockstep", *KEYED), SWAPPABLE)
    assert isinstance(part(service, "batch"), Lockstep)
    assert isinstance(service.security, Keys)
    assert len(service.gateway.cache) == 0
    assert service.settings.batch.target.endswith("Lockstep")
    for kept in ("engine", "metrics", "observer"):
        assert vars(service)[kept] is before[kept]
    assert service.embedding is embedding
    assert service.embeddings is not before["embeddings"]
    assert service.ready


async def test_requests_under_way_go_on_in_the_gateway_they_entered() -> None:
    service = build_service(settings_of(*DRY, "batch=lockstep", "batch.max_batch_size=1"))
    await service.engine.start()
    old = service.gateway
    running, queued = [asyncio.create_task(ask(old, chat(f"{n}", stream=True, max_tokens=50))) for n in range(2)]
    await asyncio.sleep(0.1)
    reconfigure(service, settings_of(*DRY, "batch=passthrough"), ["batch"])
    assert isinstance(part(service, "batch"), Passthrough)
    new = await ask(service.gateway, chat("new", max_tokens=1))
    assert not running.done()
    assert new.record.batch_size == 1
    assert {len(one.text.split()) for one in await asyncio.gather(running, queued)} == {50}


async def test_the_service_observes_its_requests_and_batches() -> None:
    service = build_service(settings_of(*DRY, "batch=time_window"))
    await service.engine.start()
    asking = asked(chat(stream=True, max_tokens=5))
    service.observer.started(asking.record)
    await ask(service.gateway, asking.call, asking)
    service.observer.finished(asking.record)
    stats = service.metrics.stats()
    assert (stats["vgate_tokens_generated_total"], stats["vgate_cache_misses_total"]) == (5, 1)
    assert stats["vgate_batch_size"]["count"] == 1
    assert stats["vgate_requests_in_flight"] == 0


async def test_two_gateways_may_share_an_engine() -> None:
    settings = settings_of(*DRY)
    engine = build_engine(settings)
    await engine.start()
    one, other = (build_gateway(settings, engine, Observers()) for _ in range(2))
    await ask(one, chat("same"))
    assert (await ask(other, chat("same"))).record.cache == "miss"
    assert (await ask(one, chat("same"))).record.cache == "hit"


PARTS = {"batch": "_batch", "cache": "cache", "dedup": "dedup"}


@pytest.mark.parametrize(
    ("sections", "anew"),
    [
        ([], set()),
        (["security"], set()),
        (["logging", "server"], set()),
        (["batch"], {"batch"}),
        (["queue"], {"batch"}),
        (["cache"], {"cache"}),
        (["dedup"], {"dedup"}),
        (["cache", "queue"], {"batch", "cache"}),
        (SWAPPABLE, {"batch", "cache", "dedup"}),
    ],
)
async def test_only_the_named_sections_are_built_anew(sections: list[str], anew: set[str]) -> None:
    service = build_service(settings_of(*DRY, *KEYED))
    before, security, embeddings = service.gateway, service.security, service.embeddings
    reconfigure(service, settings_of(*DRY, *KEYED), sections)
    after = service.gateway
    assert {name for name, held in PARTS.items() if getattr(after, held) is not getattr(before, held)} == anew
    assert (after is before) == (not anew)
    assert (service.security is not security) == ("security" in sections)
    assert (service.embeddings is not embeddings) == bool(anew & {"cache", "dedup"})


async def test_what_cannot_be_built_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service = build_service(settings_of(*DRY, *KEYED))
    before = vars(service).copy()

    def fails(*_parts: object) -> None:
        raise OSError("the key file is gone")

    monkeypatch.setattr(build, "build_security", fails)
    with pytest.raises(OSError, match="is gone"):
        reconfigure(service, settings_of(*DRY, "batch=lockstep"), SWAPPABLE)
    assert vars(service) == before


async def test_a_cache_is_closed_when_the_last_gateway_that_uses_it_is_answered() -> None:
    """Not when the first is: requests of another may still be under way, or come."""
    service = build_service(settings_of(*DRY))
    await service.engine.start()
    closed: list[str] = []
    first = service.gateway.cache

    async def close() -> None:
        closed.append("first")

    first.inner.close = close
    slow = asyncio.create_task(ask(service.gateway, chat("slow", stream=True, max_tokens=100)))
    await asyncio.sleep(0.1)
    reconfigure(service, settings_of(*DRY), ["batch"])
    slower = asyncio.create_task(ask(service.gateway, chat("slower", stream=True, max_tokens=200)))
    await asyncio.sleep(0.1)
    reconfigure(service, settings_of(*DRY), ["dedup"])
    assert service.gateway.cache is first
    reconfigure(service, settings_of(*DRY), ["cache"])
    await slow
    await asyncio.sleep(0)
    assert closed == []
    await slower
    await asyncio.sleep(0.1)
    assert closed == ["first"]
    await service.close()
    assert closed == ["first"]
