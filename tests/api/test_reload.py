"""What a reload changes, what it leaves, and what it says."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.calls import ask, chat
from vgate.api import reload
from vgate.api.reload import Reloader, differing, mixed
from vgate.api.service import Service
from vgate.build import build_service
from vgate.config import ConfigError, Settings, compose
from vgate.config.graph import graph_hash
from vgate.errors import ApiError
from vgate.observe.base import Observer, Observers

BASE = ["+preset=dry_run", "model.served_model_name=test"]
KEYED = ["security=keys", "security.api_keys=[{key: sk-a, name: a, rate_limit: 2}]"]
TOKEN = "admin.token=0123456789-abcdef"


def settings_of(*overrides: str) -> Settings:
    return compose("serve", [*BASE, *overrides], {}).settings


class Told(Observer):
    """Hears how reloads end."""

    def __init__(self) -> None:
        self.reloads: list[bool] = []

    def reloaded(self, ok: bool) -> None:
        self.reloads.append(ok)


def reloading(before: Settings, read: Callable[[], tuple[Settings, list[str]]]) -> tuple[Service, Reloader, Told]:
    service, told = build_service(before), Told()
    service.read, service.observer = read, Observers(told)
    return service, Reloader(service), told


def state(service: Service) -> dict[str, Any]:
    """What a reload may exchange."""
    return {name: vars(service)[name] for name in ("settings", "gateway", "embeddings", "security", "engine")}


@pytest.mark.parametrize(
    ("change", "changed", "restart"),
    [
        ([], [], []),
        (["batch=lockstep"], ["batch"], []),
        (["cache.maxsize=7"], ["cache.maxsize"], []),
        (["queue=priority", "dedup=single_flight"], ["dedup", "queue"], []),
        (KEYED, ["security"], []),
        (["logging=text", "logging.level=DEBUG"], ["logging.json_format", "logging.level"], []),
        (["server.deadline_ms=5.0", "server.port=9"], ["server.deadline_ms"], ["server.port"]),
        (["server.cors.allow_origins=['*']"], ["server.cors.allow_origins"], []),
        (["server.max_body_bytes=10", "server.shutdown_grace_s=1.0"],
         ["server.max_body_bytes", "server.shutdown_grace_s"], []),
        (["server.host=0.0.0.0"], [], ["server.host"]),
        (["admin=http", TOKEN], [], ["admin"]),
        (["engine.decode_step_ms=3.0"], [], ["engine.decode_step_ms"]),
        (["engine=vllm", "batch.max_batch_size=3"], ["batch.max_batch_size"], ["engine"]),
        (["embedding=none"], [], ["embedding"]),
        (["model.max_num_seqs=3", "version='2'"], ["version"], ["model.max_num_seqs"]),
    ],
)  # fmt: skip
def test_what_can_be_had_without_a_restart(change: list[str], changed: list[str], restart: list[str]) -> None:
    running, wanted = settings_of(), settings_of(*change)
    now = mixed(running, wanted)
    assert (differing(running, now), differing(now, wanted)) == (changed, restart)
    for section in ("model", "engine", "embedding", "admin"):
        assert getattr(now, section) == getattr(running, section)


def test_every_section_is_either_or() -> None:
    """A new one needs a restart until somebody decides otherwise."""
    assert set(Settings.model_fields) >= reload.SECTIONS
    assert set(settings_of().server.model_dump()) >= reload.SERVER_KEYS


def test_values_are_not_told() -> None:
    assert differing(settings_of(*KEYED), settings_of("security=keys", "security.api_keys=[{key: sk-b, name: a}]")) == [
        "security.api_keys"
    ]


@pytest.mark.real_time
async def test_what_has_changed_is_exchanged_and_all_else_stays(caplog: pytest.LogCaptureFixture) -> None:
    wanted = settings_of("batch=lockstep", "server.deadline_ms=9.0", "server.port=9")
    service, reloader, told = reloading(settings_of(), lambda: (wanted, ["a note"]))
    await service.engine.start()
    before = state(service)
    with caplog.at_level(logging.INFO):
        done = await reloader.reload()
    assert done.changed == ["batch", "server.deadline_ms"]
    assert done.needs_restart == ["server.port"]
    assert done.notes == ["a note"]
    assert service.settings.server.port == before["settings"].server.port
    assert service.settings.server.deadline_ms == 9.0
    assert service.gateway.cache is before["gateway"].cache
    assert service.gateway.dedup is before["gateway"].dedup
    assert service.gateway is not before["gateway"]
    assert service.embeddings is before["embeddings"]
    assert done.graph == graph_hash(settings_of("batch=lockstep", "server.deadline_ms=9.0"))
    assert told.reloads == [True]
    lines = [line.message for line in caplog.records]
    assert lines == ["a note", "configuration needs a restart", "configuration reloaded"]
    await service.close()


@pytest.mark.real_time
async def test_a_reload_that_changes_nothing_changes_nothing() -> None:
    service, reloader, told = reloading(
        settings_of("cache=lru", *KEYED), lambda: (settings_of("cache=lru", *KEYED), [])
    )
    await service.engine.start()
    await ask(service.gateway, chat("kept", max_tokens=1))
    before = state(service)
    done = await reloader.reload()
    after = state(service)
    assert (done.changed, done.needs_restart) == ([], [])
    assert [name for name in before if name not in ("settings", "security") and after[name] is not before[name]] == []
    assert after["settings"] == before["settings"]
    assert (await ask(service.gateway, chat("kept", max_tokens=1))).record.cache == "hit"
    assert told.reloads == [True]


class KeyFileGone(Exception):
    pass


def raising(error: Exception) -> Callable[[], tuple[Settings, list[str]]]:
    def read() -> tuple[Settings, list[str]]:
        raise error

    return read


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("batch.max_batch_size = 0 (from x): no"), "batch.max_batch_size = 0 (from x): no"),
        (KeyFileGone("it is gone,\n  api_key=sk-secret"), "KeyFileGone: it is gone, api_key=***"),
    ],
)
async def test_a_wrong_one_changes_nothing_and_says_so(
    error: Exception, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    service, reloader, told = reloading(settings_of(*KEYED), raising(error))
    before = state(service)
    with pytest.raises(ApiError) as caught:
        await reloader.reload()
    assert (caught.value.status, caught.value.code, caught.value.message) == (400, "invalid_configuration", line)
    assert state(service) == before
    assert told.reloads == [False]
    assert [vars(record)["error"] for record in caplog.records] == [line]


@pytest.mark.real_time
async def test_what_cannot_be_built_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last part to be built fails, when the others are there already."""
    service, reloader, told = reloading(settings_of(), lambda: (settings_of("batch=lockstep", *KEYED), []))
    before = state(service)

    def fails(*_parts: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr("vgate.build.build_security", fails)
    with pytest.raises(ApiError, match="OSError: no such file"):
        await reloader.reload()
    assert state(service) == before
    assert told.reloads == [False]


@pytest.mark.real_time
async def test_one_after_the_other_and_a_signal_waits_with_another() -> None:
    inside, most, count, lock = 0, 0, 0, threading.Lock()
    settings = settings_of()

    def read() -> tuple[Settings, list[str]]:
        nonlocal inside, most, count
        with lock:
            inside, count = inside + 1, count + 1
            most = max(most, inside)
        threading.Event().wait(0.01)
        with lock:
            inside -= 1
        return settings, []

    service, reloader, told = reloading(settings, read)
    await asyncio.gather(*(reloader.reload() for _ in range(5)))
    assert (most, count) == (1, 5)
    first = asyncio.create_task(reloader.reload())
    await asyncio.sleep(0)
    for _ in range(50):
        reloader.reload_soon()  # all of them while the first is under way: one more will do
    await first
    async with service.exchanging:
        assert count == 7
    assert told.reloads == [True] * 7
    await asyncio.sleep(0.05)


@pytest.mark.real_time
async def test_while_it_stops_nothing_is_reloaded(caplog: pytest.LogCaptureFixture) -> None:
    service, reloader, _ = reloading(settings_of(), lambda: (settings_of("batch=lockstep"), []))
    service.stopping = True
    before = state(service)
    with pytest.raises(ApiError, match="stopping"):
        await reloader.reload()
    reloader.reload_soon()
    await asyncio.sleep(0.01)
    assert state(service) == before
    assert {record.message for record in caplog.records} == {"configuration not reloaded"}


@pytest.mark.real_time
async def test_files_that_do_not_answer_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    bell = threading.Event()

    def read() -> tuple[Settings, list[str]]:
        bell.wait(10)
        return settings_of("batch=lockstep"), []

    monkeypatch.setattr(reload, "READ_LIMIT_S", 0.05)
    service, reloader, _ = reloading(settings_of(), read)
    before = state(service)
    with pytest.raises(ApiError, match=r"could not be read within 0\.05 s"):
        await reloader.reload()
    bell.set()
    await asyncio.sleep(0.05)
    assert state(service) == before


@pytest.mark.real_time
async def test_without_sources_there_is_nothing_to_reload() -> None:
    with pytest.raises(ApiError, match="could be read again"):
        await Reloader(build_service(settings_of())).reload()


@pytest.mark.real_time
async def test_O6_the_admin_token_is_not_remembered_and_the_same_one_is_no_change() -> None:
    token = "0123456789-abcdef"
    service, reloader, _ = reloading(settings_of("admin=http", TOKEN), lambda: (settings_of("admin=http", TOKEN), []))
    assert token not in str(service.settings.model_dump())
    assert (await reloader.reload()).needs_restart == []
    service.read = lambda: (settings_of("admin=http", f"{TOKEN}x"), [])
    assert (await reloader.reload()).needs_restart == ["admin.token"]
