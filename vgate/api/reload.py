"""Exchanging the configuration of a running server for what its sources say now."""

import asyncio
import logging
from dataclasses import asdict, dataclass
from typing import Any

from vgate.api import prompts
from vgate.api.service import Service
from vgate.build import reconfigure
from vgate.config import ConfigError, Settings, together
from vgate.config.errors import one_line
from vgate.config.graph import graph_hash
from vgate.config.layers import flatten
from vgate.config.remembered import remembered
from vgate.engine.loading import in_thread
from vgate.errors import ApiError, Stopping
from vgate.observe import logs

logger = logging.getLogger(__name__)

# Everything else needs a restart.
SECTIONS = frozenset({"version", "routing", "queue", "batch", "cache", "dedup", "security", "limits", "logging"})
SERVER_KEYS = frozenset({"max_body_bytes", "shutdown_grace_s", "deadline_ms", "server_timing", "cors"})
ENGINE_KEYS = frozenset({"workers", "workers_file", "workers_dns", "dns"})  # of an engine that has workers
READ_LIMIT_S = 30.0  # a file may lie where nobody answers, or be a pipe


@dataclass(frozen=True)
class Reloaded:
    """What a reload has done.

    changed:       dotted keys whose new value holds now; of another option, only its group.
    needs_restart: those that are other in the sources now, and stay as they are until a restart.
    graph:         the component graph's hash, of what runs now.
    notes:         settings without effect, a line each.
    """

    changed: list[str]
    needs_restart: list[str]
    graph: str
    notes: list[str]


class Reloader:
    """Reloads are carried out one after the other."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._due = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def reload(self) -> Reloaded:
        """Exchange what can be exchanged while the server runs, all of it at once.

        When anything of the new configuration is wrong, nothing changes. Raises ApiError with the reason.
        """
        async with self._service.exchanging:
            self._due = False
            if self._service.stopping:
                logger.warning("configuration not reloaded", extra={"error": "the server is stopping"})
                raise Stopping
            try:
                done = await self._exchange()
            except Exception as error:  # noqa: BLE001  whatever is wrong with the new, the old goes on
                raise self._refused(error) from None
        self._service.observer.reloaded(ok=True)
        _tell(done)
        return done

    def reload_soon(self) -> None:
        """For a signal: reload without waiting for it. One that still waits for its turn will do for this one too."""
        if self._due:
            return
        self._due = True
        task = asyncio.create_task(self._reload_quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload_quietly(self) -> None:
        try:
            await self.reload()
        except ApiError:
            return  # it is in the log

    async def _exchange(self) -> Reloaded:
        service = self._service
        composed, notes = await self._settings()
        wanted = remembered(composed)
        running = service.settings
        settings = mixed(running, wanted)
        together.check("serve", settings, lambda _key: "the reload")
        changed = differing(running, settings)
        sections = {key.partition(".")[0] for key in changed}
        # Their keys may lie in files, which may say something else now.
        reconfigure(service, settings, sections | {"security", "engine"}, keep_usage=True)
        if "logging" in sections:
            logs.change(settings.logging.level, json_format=settings.logging.json_format)
            prompts.warn(settings.logging)
        return Reloaded(changed, differing(settings, wanted), graph_hash(settings), notes)

    async def _settings(self) -> tuple[Settings, list[str]]:
        """Composed in a thread: it takes half a second, in which streams go on."""
        read = self._service.read
        if read is None:
            raise ConfigError("this server was not started from a configuration that could be read again")
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                return await in_thread(read, lambda _: None)
        except TimeoutError:
            raise ConfigError(f"the configuration could not be read within {READ_LIMIT_S:g} s") from None

    def _refused(self, error: Exception) -> ApiError:
        """The same line for the log and the answer."""
        line = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {one_line(str(error))}"
        logger.error("configuration not reloaded", extra={"error": line})
        self._service.observer.reloaded(ok=False)
        return ApiError(400, line, code="invalid_configuration")


def mixed(running: Settings, wanted: Settings) -> Settings:
    """What is wanted, as far as it can be had without a restart; of the rest what runs."""
    server = running.server.model_copy(update={key: getattr(wanted.server, key) for key in SERVER_KEYS})
    engine = running.engine
    if type(engine) is type(wanted.engine):
        keys = ENGINE_KEYS & type(engine).model_fields.keys()
        engine = engine.model_copy(update={key: getattr(wanted.engine, key) for key in keys})
    exchanged = {name: getattr(wanted, name) for name in SECTIONS}
    return running.model_copy(update={"server": server, "engine": engine, **exchanged})


def differing(one: Settings, other: Settings) -> list[str]:
    """The dotted keys in which they differ, sorted; of sections of different classes, only the section."""
    before, after = (dict(flatten(settings.model_dump(by_alias=True))) for settings in (one, other))
    keys = {key for key in before.keys() | after.keys() if _value(before, key) != _value(after, key)}
    whole = {key.removesuffix("._target_") for key in keys if key.endswith("._target_")}
    return sorted(whole | {key for key in keys if key.partition(".")[0] not in whole})


def _value(flat: dict[str, Any], key: str) -> tuple[bool, Any]:
    return key in flat, flat.get(key)


def _tell(done: Reloaded) -> None:
    for note in done.notes:
        logger.warning(note)
    if done.needs_restart:
        logger.warning("configuration needs a restart", extra={"keys": done.needs_restart})
    fields = {name: value for name, value in asdict(done).items() if name != "notes"}
    logger.info("configuration reloaded", extra=fields)
