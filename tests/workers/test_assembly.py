from pathlib import Path
from typing import Any

import pytest

from tests.components import build
from tests.config.test_workers import SECTION
from tests.workers.rigs import NO_HINT
from vgate.workers.assembly import pool_of, source_of
from vgate.workers.dns import Dns
from vgate.workers.file import File
from vgate.workers.static import Static
from vgate.workers.worker import Worker

TWO = [{"url": "http://a:1", "key": "sk-a"}, {"url": "http://b:1", "weight": 2.0, "models": ["m"]}]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"workers": TWO}, Static), ({"workers_file": "w.yaml"}, File), ({"workers_dns": "vllm:8000"}, Dns)],
)
def test_where_the_workers_come_from(changes: dict[str, Any], kind: type) -> None:
    assert isinstance(source_of(SECTION | changes), kind)


async def test_a_pool_from_a_section() -> None:
    asked = []

    async def get(worker: Worker, path: str) -> tuple[int, bytes]:
        asked.append((worker.url, path, worker.authorization))
        return (200, b'{"data": [{"id": "m"}]}') if path == "/v1/models" else (404, b"")

    pool = pool_of(SECTION | {"workers": TWO}, get, build("routing", "least_loaded"))
    await pool.start()
    lease = pool.lease("m", NO_HINT)
    lease.done("ok")
    await pool.stop()
    assert ("http://a:1", "/v1/models", "Bearer sk-a") in asked
    assert ("http://b:1", "/health", None) in asked
    assert "sk-a" not in repr(pool.members[0].worker) + repr(pool.members[0].worker.spec)


def test_a_key_file_that_has_gone_since_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gone"):
        source_of(SECTION | {"workers": [{"url": "http://a", "key_file": str(tmp_path / "gone")}]})


@pytest.mark.parametrize("key", ["sk-a\r\nX-Other: 1", "sk-a\nsk-b", "sk a", "sk-ä"])
def test_a_key_that_would_be_more_than_a_key_is_refused_and_not_quoted(key: str, tmp_path: Path) -> None:
    """In a file or a variable; in the configuration itself its pattern says so."""
    (tmp_path / "key").write_text(key, encoding="utf-8")
    with pytest.raises(ValueError, match="one word of printable ASCII") as caught:
        source_of(SECTION | {"workers": [{"url": "http://a:1", "key_file": str(tmp_path / "key")}]})
    assert "sk" not in str(caught.value)
