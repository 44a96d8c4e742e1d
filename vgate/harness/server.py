"""The server under test, as a process of its own."""

import contextlib
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from vgate.config.keys_together import first_key
from vgate.harness import child
from vgate.harness.costs import SWAPPABLE
from vgate.harness.prometheus_text import total
from vgate.harness.scratch import Scratch

READY_LIMIT_S = 60.0  # on top of what the engine says it may take
STOP_SLACK_S = 10.0
LOOK_EVERY_S = 0.1
SETTLE_LIMIT_S = 5.0  # a server may do a request's last bookkeeping after its last byte
FORGET_LIMIT_S = 20.0  # requests that were given up end with the engine's next step; a start takes longer than this
STORE_LIMIT_S = 10.0  # for dropping what lies in a store outside the server
GAUGES_LIMIT_S = 10.0  # for one look
CONFIG_FROM_INPUT = "/dev/stdin"  # it may hold API keys: nothing of it is written to a disk


class ServerFailed(Exception):
    """The server did not start, died, or does not answer. The message says why, with its last words."""


class ServerBusy(ServerFailed):
    """It says that it cannot do that now."""


class Server:
    """`python -m vgate.serve` from a resolved configuration, on a free port of the loopback address."""

    def __init__(self, container: dict[str, Any], log: Path) -> None:
        listens = {"host": "127.0.0.1", "port": _free_port()}
        shared = [name for name in ("cache", "limits") if name in container]
        apart: dict[str, Any] = {name: self._apart(container[name]) for name in shared}
        self._config = container | {"server": container["server"] | listens, **apart}
        self._log = log
        self._scratch = Scratch("vgate-bench-")
        self._socket = str(self._scratch.path / "admin")
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = f"http://127.0.0.1:{self._config['server']['port']}"
        self.start_s = 0.0
        self.api_key: str | None = None
        self.graph = ""  # hash of what it is built of, as it says itself
        # A proxy from the environment would stand between the bench and its server.
        self._http = httpx.Client(base_url=self.base_url, trust_env=False, timeout=30)
        self._admin = httpx.Client(
            transport=httpx.HTTPTransport(uds=self._socket), base_url="http://admin", trust_env=False, timeout=60
        )

    def start(self, tick: Callable[[], None] = lambda: None) -> None:
        """Return when `/ready` says yes; `tick` is called while waiting. Raises ServerFailed."""
        begin = time.monotonic()
        arguments = ["vgate.serve", "--resolved", CONFIG_FROM_INPUT, "--admin-socket", self._socket]
        self._process = child.start(arguments, self._log, stdin=subprocess.PIPE)
        child.tell(self._process, yaml.safe_dump(self._config))
        limit_s = READY_LIMIT_S + sum(self._config[s].get("start_timeout_s", 0.0) for s in ("engine", "embedding"))
        while not self._is_ready():
            self.check()
            if time.monotonic() > begin + limit_s:
                raise ServerFailed(
                    f"not ready after {limit_s:.0f} s; its log ends with:\n{child.last_lines(self._log)}"
                )
            tick()
            time.sleep(LOOK_EVERY_S)
        self.start_s = time.monotonic() - begin

    def check(self) -> None:
        """Raise ServerFailed if the process has ended."""
        if self._process is not None and self._process.poll() is not None:
            code, last = self._process.returncode, child.last_lines(self._log)
            raise ServerFailed(f"the server ended with exit code {code}; its log ends with:\n{last}")

    def configure(self, container: dict[str, Any]) -> None:
        """Hot-swap everything but model, engine, server and logging; forget cached answers and prefixes.

        Raises ServerFailed: ServerBusy where requests are still running that nobody waits for.
        """
        self.api_key = first_key(container["security"].get("api_keys"))
        self._drop_answers()
        sections = {section: self._apart(container[section]) for section in SWAPPABLE if section in container}
        self.graph = self._ask(self._admin, "POST", "/swap", json=sections).json()["graph"]
        self._config["cache"] = sections["cache"]
        self._forget()

    def _apart(self, section: dict[str, Any]) -> dict[str, Any]:
        """The section with a prefix that nobody else has, and no cell before: a bench may be pointed at a shared store.

        It must find nothing there, leave nothing there, and above all drop nothing of others when it empties the cache.
        """
        if "prefix" not in section:
            return section
        return section | {"prefix": f"{section['prefix']}bench:{uuid.uuid4().hex}:"}

    def _drop_answers(self) -> None:
        """Of a store outside the server. What cannot be dropped now expires there, after `cache.ttl_s`."""
        if "prefix" in self._config["cache"]:
            with contextlib.suppress(httpx.HTTPError):
                self._admin.post("/reset", json={}, timeout=STORE_LIMIT_S)

    def _forget(self) -> None:
        """Empty the caches. Requests that were given up may hold the engine's blocks for a moment."""
        limit = time.monotonic() + FORGET_LIMIT_S
        while True:
            try:
                self._ask(self._admin, "POST", "/reset", json={})
            except ServerBusy:
                if time.monotonic() > limit:
                    raise
                time.sleep(LOOK_EVERY_S)
            else:
                return

    def metrics(self) -> str:
        """The text of `/metrics`, once nothing is in flight but the question for it, nor generated for nobody."""
        limit = time.monotonic() + SETTLE_LIMIT_S
        while _is_busy(text := self._get("/metrics").text) and time.monotonic() < limit:
            time.sleep(LOOK_EVERY_S)
        return text

    def keep_records(self, limit: int) -> None:
        """Have the server keep a record of each request from now on, at most so many."""
        self._ask(self._admin, "PUT", "/records", json={"limit": limit})

    def take_records(self) -> tuple[str, int]:
        """The records as lines of JSON, and for how many there was no room; none are kept any more."""
        response = self._ask(self._admin, "GET", "/records")
        self._ask(self._admin, "DELETE", "/records")
        return response.text, int(response.headers["x-vgate-dropped"])

    def gauges(self) -> dict[str, Any]:
        """Who is where at this moment. May be called from another thread."""
        gauges: dict[str, Any] = self._ask(self._admin, "GET", "/gauges", timeout=GAUGES_LIMIT_S).json()
        return gauges

    def model(self) -> str:
        """The name that requests have to put into `model`."""
        return str(self._get("/v1/models").json()["data"][0]["id"])

    def stop(self) -> None:
        """End the process, by force where it has to be; nothing of it is left."""
        if self._process is not None and self._process.poll() is None:
            self._drop_answers()
        self._http.close()
        self._admin.close()
        if self._process is not None:
            child.stop(self._process, self._config["server"]["shutdown_grace_s"] + STOP_SLACK_S)
        self._scratch.remove()

    def _is_ready(self) -> bool:
        try:
            return self._http.get("/ready").is_success
        except httpx.HTTPError:
            return False

    def _get(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return self._ask(self._http, "GET", path, headers=headers)

    def _ask(self, client: httpx.Client, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            response = client.request(method, path, **content)
        except httpx.HTTPError as error:
            self.check()
            raise ServerFailed(f"{method} {path}: {error}") from None
        if not response.is_success:
            failed = ServerBusy if _code(response) == "not_ready" else ServerFailed
            raise failed(f"{method} {path}: HTTP {response.status_code}: {response.text[:500]}")
        return response


def _is_busy(metrics: str) -> bool:
    generations = total(metrics, "vgate_queue_waiting") + total(metrics, "vgate_engine_running")
    return total(metrics, "vgate_requests_in_flight") > 1 or generations > 0


def _code(response: httpx.Response) -> str | None:
    """The error's code, where the server gives one."""
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
