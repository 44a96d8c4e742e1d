"""A dry-run server with its admin port, which can go away and come back."""

from tests.servers import Server, start

TOKEN = "a-token-of-the-tests"


class Live:
    """`start` it, `stop` or `kill` it, and `start` it again: the admin port is the same."""

    def __init__(self, *overrides: str) -> None:
        self._overrides = overrides
        self._port = 0
        self._server: Server

    @property
    def base_url(self) -> str:
        return self._server.base_url

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        admin = ("admin=http", f"admin.port={self._port}", f"admin.token={TOKEN}")
        self._server = start("+preset=dry_run", *admin, *self._overrides)
        self._port = self._server.find("admin port listening")[0]["port"]

    def stop(self) -> None:
        assert self._server.stop() == 0

    def kill(self) -> None:
        self._server.process.kill()
        assert self._server.stop() == -9
