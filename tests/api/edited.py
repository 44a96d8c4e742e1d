"""A real server whose configuration is edited while it runs."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.servers import Server, running

CHAT = "/v1/chat/completions"
TOKEN = "0123456789-abcdef"
RIGHT = {"authorization": f"Bearer {TOKEN}"}
FAST = ("engine.decode_step_ms=2", "engine.decode_step_per_seq_ms=0", "engine.max_num_seqs=64")
ADMIN = ("admin=http", "admin.port=0", f"admin.token={TOKEN}")


def body(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x"}], "temperature": 0, "max_tokens": 3, **fields}


class Edited:
    """A server with its configuration file, and its admin port."""

    def __init__(self, server: Server, path: Path) -> None:
        self.server = server
        self.path = path
        self.admin_url = f"http://127.0.0.1:{server.find('admin port listening')[0]['port']}"

    def write(self, **sections: Any) -> None:
        """All at once, as an editor does: a reload must not meet half a file."""
        scratch = self.path.with_suffix(".new")
        scratch.write_text(yaml.safe_dump(sections), encoding="utf-8")
        scratch.rename(self.path)

    def reload(self) -> httpx.Response:
        return httpx.post(f"{self.admin_url}/reload", headers=RIGHT, timeout=30)

    def ask(self, **fields: Any) -> httpx.Response:
        return httpx.post(self.server.base_url + CHAT, json=body(**fields), timeout=30)


@contextlib.contextmanager
def editing(folder: Path) -> Iterator[Edited]:
    path = folder / "vgate.yaml"
    path.write_text("cache: lru\n", encoding="utf-8")
    with running("+preset=dry_run", *FAST, *ADMIN, env={"VGATE_CONFIG_PATH": str(path)}) as server:
        yield Edited(server, path)
