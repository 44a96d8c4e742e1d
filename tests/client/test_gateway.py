"""The client against the real gateway, started as a process with the dry-run engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vgate import client as sdk

ROOT = Path(__file__).parents[2]
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Address of a gateway with one key, which may ask three times."""
    keys = "security.api_keys=[{key: sk-three, name: three, rate_limit: 3}]"
    command = [sys.executable, "-m", "vgate.serve", "+preset=dry_run", "server.port=0", "security=keys", keys]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    with subprocess.Popen(command, cwd=ROOT, env=clean, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            entry = json.loads(line)
            if entry["message"] == "ready":
                yield f"http://127.0.0.1:{entry['port']}/v1"
                break
        process.terminate()
        process.stdout.read()
    assert process.returncode == 0


def test_answers_limits_and_errors_of_the_gateway_are_understood(url: str) -> None:
    """One test, because the requests count against one limit."""
    with sdk.Client(url, "sk-three", retry=sdk.RetryPolicy(max_retries=0)) as client:
        first = client.chat.create(model="tiny", messages=HELLO, max_tokens=8, temperature=0)
        again = client.chat.create(model="tiny", messages=HELLO, max_tokens=8, temperature=0)
        chunks = list(client.chat.create(model="tiny", messages=HELLO, max_tokens=8, temperature=0, stream=True))
        with pytest.raises(sdk.RateLimitError) as refused:
            client.chat.create(model="tiny", messages=HELLO)
    assert (first.meta.cache, again.meta.cache) == ("miss", "hit")
    assert first.text == again.text == "".join(chunk.text for chunk in chunks)
    assert first.usage is not None
    assert first.usage.completion_tokens == 8
    assert first.meta.rate_limit is not None
    assert (first.meta.rate_limit.limit, first.meta.rate_limit.remaining) == (3, 2)
    assert refused.value.retry_after is not None
    assert refused.value.retry_after >= 1


def test_a_wrong_key_is_an_authentication_error(url: str) -> None:
    with sdk.Client(url, "sk-wrong") as client, pytest.raises(sdk.AuthenticationError) as refused:
        client.chat.create(model="tiny", messages=HELLO)
    assert refused.value.request_id
