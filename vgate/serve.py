"""The gateway: `python -m vgate.serve +preset=cpu`."""

import os
import signal

if __name__ == "__main__":
    # Before the imports, which take most of a second: until the server handles signals, they just end it.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from vgate.config import ConfigError, Settings, cli, compose, from_resolved
from vgate.config.errors import wrong, yaml_problem

if TYPE_CHECKING:
    from vgate.errors import EngineStartError
    from vgate.observe.capture import OutputCapture

logger = logging.getLogger(__name__)


def main() -> int:
    """Exit codes: 0 stopped by a signal, 1 the engine failed, 2 a wrong setting, 130 interrupted before it listened."""
    parser = cli.parser("serve", "An OpenAI-compatible server in front of vLLM.")
    parser.add_argument(
        "--resolved", metavar="FILE", help="start from a resolved configuration instead of composing one"
    )
    parser.add_argument("--admin-socket", metavar="PATH", help="also serve admin routes on this Unix socket")
    args = cli.parse(parser)
    settings, notes = _settings(args.overrides, args.resolved)
    if args.cfg:
        cli.show(settings.model_dump(by_alias=True), notes)
        return 0
    return _run(settings, notes, args.admin_socket)


def _settings(overrides: list[str], resolved: str | None) -> tuple[Settings, list[str]]:
    if resolved is None:
        composed = compose("serve", overrides)
        return composed.settings, composed.notes
    if overrides:
        raise ConfigError(f"{overrides[0]!r} (from the command line): --resolved takes no settings beside its file")
    try:
        content = yaml.safe_load(Path(resolved).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise wrong("--resolved", resolved, "the command line", yaml_problem(error)) from None
    return from_resolved(content if isinstance(content, dict) else {}, resolved), []


def _run(settings: Settings, notes: list[str], admin_socket: str | None) -> int:
    # Only now: a wrong setting should not wait for a web framework.
    from vgate import open_files
    from vgate.api.server import listen, listen_unix, serve
    from vgate.build import build_service
    from vgate.clock import precise_loop
    from vgate.engine import loading
    from vgate.errors import EngineStartError
    from vgate.observe.capture import OutputCapture
    from vgate.observe.logs import configure

    open_files.raise_limit()
    server = settings.server
    sock = _bound("server.host, server.port", f"{server.host}:{server.port}", lambda: listen(server.host, server.port))
    admin = _bound("--admin-socket", admin_socket, lambda: listen_unix(admin_socket)) if admin_socket else None
    with OutputCapture() as capture:
        close_logs = configure(settings.logging.level, settings.logging.json_format, capture.stdout)
        try:
            for note in notes:
                logger.warning(note)
            with asyncio.Runner(loop_factory=precise_loop) as runner:
                runner.run(serve(build_service(settings), sock, admin))
            code = 0
        except EngineStartError as error:
            code = _failed(error, capture)
        finally:
            close_logs()
    loading.leave(code)
    return code


def _bound(name: str, address: str, listen: Callable[[], socket.socket]) -> socket.socket:
    try:
        return listen()
    except OSError as error:
        raise ConfigError(f"{name} = {address!r}: {error.strerror or error}") from None


def _failed(error: "EngineStartError", capture: "OutputCapture") -> int:
    cause = capture.last_error() if "See root cause above" in str(error) else None
    print(f"vgate: the engine could not be started: {cause or error}", file=capture.stderr)
    return 1


if __name__ == "__main__":
    cli.run(main)
