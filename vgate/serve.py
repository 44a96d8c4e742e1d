"""The gateway: `python -m vgate.serve +preset=cpu`."""

import os
import signal

if __name__ == "__main__":
    # Before the imports, which take most of a second: until the server handles signals, they just end it.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # Held back until then: it would end the process too, and what it asks for is not forgotten.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from vgate.config import ConfigError, Settings, cli
from vgate.config.sources import Sources

if TYPE_CHECKING:
    from vgate.api.server import Doors
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
    sources = Sources(args.overrides, args.resolved)
    settings, notes = sources.read()
    if args.cfg:
        cli.show(settings.model_dump(by_alias=True), notes)
        return 0
    return _run(sources, settings, notes, args.admin_socket)


def _run(sources: Sources, settings: Settings, notes: list[str], admin_socket: str | None) -> int:
    # Only now: a wrong setting should not wait for a web framework.
    from vgate import open_files
    from vgate.api.server import serve
    from vgate.build import build_service
    from vgate.clock import precise_loop
    from vgate.engine import loading
    from vgate.errors import EngineStartError
    from vgate.observe.capture import OutputCapture
    from vgate.observe.logs import configure

    open_files.fill_standard()
    open_files.raise_limit()
    doors = _doors(settings, admin_socket)
    with OutputCapture() as capture:
        close_logs = configure(settings.logging.level, settings.logging.json_format, capture.stdout)
        try:
            for note in notes:
                logger.warning(note)
            with asyncio.Runner(loop_factory=precise_loop) as runner:
                service = build_service(settings)
                service.read = sources.read_again
                runner.run(serve(service, doors))
            code = 0
        except EngineStartError as error:
            code = _failed(error, capture)
        finally:
            close_logs()
    loading.leave(code)
    return code


def _doors(settings: Settings, admin_socket: str | None) -> "Doors":
    from vgate.api.server import Doors
    from vgate.api.sockets import listen, listen_unix
    from vgate.build import build_admin_port

    server, admin = settings.server, build_admin_port(settings)
    at = f"{server.host}:{server.port}"
    public = _bound(
        "server.host, server.port", at, lambda: listen(server.host, server.port, reuse_port=server.reuse_port)
    )
    if admin_socket == "":
        raise ConfigError("--admin-socket = '': must be a path")
    unix = _bound("--admin-socket", admin_socket, lambda: listen_unix(admin_socket)) if admin_socket else None
    if admin.address is None:
        return Doors(public, unix)
    host, port = admin.address
    return Doors(public, unix, _bound("admin.host, admin.port", f"{host}:{port}", lambda: listen(host, port)), admin)


def _bound(name: str, address: str, listen: Callable[[], socket.socket]) -> socket.socket:
    try:
        return listen()
    except (OSError, ValueError) as error:  # a name that cannot be one is a UnicodeError
        raise ConfigError(f"{name} = {address!r}: {getattr(error, 'strerror', None) or error}") from None


def _failed(error: "EngineStartError", capture: "OutputCapture") -> int:
    cause = capture.last_error() if "See root cause above" in str(error) else None
    print(f"vgate: the engine could not be started: {cause or error}", file=capture.stderr)
    return 1


if __name__ == "__main__":
    cli.run(main)
