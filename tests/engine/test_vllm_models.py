"""Other models and settings than the shared server's: each test starts its own vLLM."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.servers import running

pytestmark = pytest.mark.vllm

CHAT = "/v1/chat/completions"


def test_awq_serves_and_the_log_names_the_kernel(models: Path) -> None:
    with running("model=tiny_awq", f"model.model_id={models / 'tiny_awq'}") as server:
        messages = [{"role": "user", "content": "Tell me about rivers"}]
        fields = {"model": "tiny-awq", "messages": messages, "max_tokens": 12, "temperature": 0, "ignore_eos": True}
        answer = httpx.post(server.base_url + CHAT, json=fields, timeout=60).json()
        assert answer["usage"]["completion_tokens"] == 12
        assert answer["choices"][0]["message"]["content"]
        said = [str(line["message"]) for line in server.lines]
        assert any("WNA16LinearKernel" in line for line in said)
        assert server.find("engine ready", quantization="awq")


@pytest.mark.parametrize(
    ("setting", "code", "told"),
    [
        ("engine.extra_args={structured_outputs_config: {backend: guidanse}}", 2, "Input should be 'auto', 'xgrammar'"),
        ("engine.extra_args={num_gpu_blocks_override: 1}", 1, "No available memory for the cache blocks"),
    ],
)
def test_failing_start_ends_with_one_line(models: Path, setting: str, code: int, told: str) -> None:
    """The last one fails in vLLM's own engine process; its cause is told all the same."""
    command = [sys.executable, "-m", "vgate.serve", "+preset=cpu", "server.port=0", f"model.model_id={models / 'tiny'}"]
    done = subprocess.run([*command, setting], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == code
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("vgate: ")
    assert told in lines[0]
