"""A configuration with a mistake of any kind changes nothing, and says so."""

import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.api.edited import ADMIN, Edited
from tests.servers import running

BROKEN = {
    "no YAML": ("cache: [", "is not YAML"),
    "no mapping": ("- a\n", "must hold sections"),
    "no text": (b"\xff\xfe\x00", "cannot be read"),
    "unknown section": ("cash: {maxsize: 1}\n", "did you mean cache?"),
    "unknown key": ("cache: {maxsise: 1}\n", "did you mean cache.maxsize?"),
    "unknown option": ("cache: lur\n", "did you mean cache=lru?"),
    "wrong value": ("queue: {max_waiting: 0}\n", "queue.max_waiting = 0"),
    "wrong type": ("server: {deadline_ms: soon}\n", "server.deadline_ms = 'soon'"),
    "wrong in what would need a restart": ("engine: {max_num_seqs: 0}\n", "engine.max_num_seqs"),
    "a good and a bad one": ("cache: none\nbatch: {max_batch_size: 0}\n", "batch.max_batch_size = 0"),
    "keys without keys": ("security: keys\n", "security.api_keys"),
    "missing key file": (
        "security: {enabled: true, api_keys: [{key_file: /nowhere, name: a}]}\n",
        "the file /nowhere cannot be read",
    ),
    "keys for a model that is not there": (
        "security: {enabled: true, api_keys: [{key: sk-a, name: a, models: [x]}]}\n",
        "is not served",
    ),
    "missing certificate": ("server: {tls: {cert_file: /nowhere, key_file: /x}}\n", "tls.cert_file = '/nowhere'"),
    "missing token file": ("admin: {token_file: /nowhere}\n", "the file /nowhere cannot be read"),
    "all with credentials": ("server: {cors: {allow_origins: ['*'], allow_credentials: true}}\n", "allow_origins"),
}  # fmt: skip


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    """One whose configuration is never changed, however it is tried."""
    path = tmp_path_factory.mktemp("steady") / "vgate.yaml"
    path.write_text("cache: lru\n", encoding="utf-8")
    with running("+preset=dry_run", "engine.decode_step_ms=2", *ADMIN, env={"VGATE_CONFIG_PATH": str(path)}) as server:
        yield Edited(server, path)


@pytest.mark.parametrize("name", [*BROKEN, "no file"])
def test_a_broken_one_changes_nothing_and_says_so(steady: Edited, name: str) -> None:
    content, told = BROKEN.get(name, ("", "cannot be read"))
    graph = steady.server.find("listening")[0]["graph"]
    steady.ask()
    steady.path.unlink(missing_ok=True)
    if name in BROKEN:
        steady.path.write_bytes(content if isinstance(content, bytes) else content.encode())
    steady.server.lines[:] = steady.server.find("listening") + steady.server.find("admin port listening")
    answer = steady.reload()
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], "\n" in error["message"]) == ("invalid_configuration", False)
    assert told in error["message"]
    line = steady.server.wait_for("configuration not reloaded")[0]
    assert (line["level"], line["error"]) == ("error", error["message"])
    steady.server.process.send_signal(signal.SIGHUP)
    steady.server.wait_for("configuration not reloaded", count=2)
    assert steady.server.operate("POST", "/swap", {}).json()["graph"] == graph
    assert steady.ask().headers["x-vgate-cache"] == "hit"
    assert httpx.get(f"{steady.server.base_url}/ready").status_code == 200
    steady.path.write_text("cache: lru\n", encoding="utf-8")
    assert steady.reload().json()["changed"] == []
