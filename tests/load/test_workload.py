import json
import os
import subprocess
import sys
from collections import Counter

from tests.load.settings import workload
from vgate.load.seeds import derive

PROGRAM = """
from tests.load.settings import workload
print([workload(repeat_ratio=0.5).body(7, f"user0.{i}", "tiny").decode() for i in range(20)])
"""


def test_same_seed_same_bytes_in_any_process() -> None:
    """Two processes with different string hashing make the same requests."""
    made = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert made[0] == made[1] != "[]\n"


def test_derived_seeds_stay_what_they_were() -> None:
    """A canary: results of old runs can be replayed only while these hold."""
    assert derive(0, "arrivals") == 12198932670070183440
    assert workload(prompt_tokens=4).prompt(0, "user0.0") == "right job change right"


def test_requests_differ_by_name_and_seed() -> None:
    prompts = {workload().prompt(seed, f"user{user}.{n}") for seed in range(2) for user in range(5) for n in range(20)}
    assert len(prompts) == 200


def test_prompts_do_not_begin_alike() -> None:
    """What a prefix cache could share would make the load lighter than it says."""
    beginnings = Counter(" ".join(workload().prompt(0, f"arrival{n}").split()[:4]) for n in range(500))
    assert max(beginnings.values()) == 1


def test_a_prompt_has_as_many_words_as_asked_for() -> None:
    assert len(workload(prompt_tokens=77).prompt(0, "x").split()) == 77


def test_repeats_come_from_the_pool_at_their_ratio() -> None:
    asked = workload(repeat_ratio=0.4, repeat_pool=5)
    counts = Counter(asked.prompt(0, f"arrival{n}") for n in range(2000))
    repeated = [count for count in counts.values() if count > 1]
    assert len(repeated) == 5
    assert 0.36 < sum(repeated) / 2000 < 0.44


def test_without_a_ratio_nothing_repeats() -> None:
    assert len({workload().prompt(0, f"arrival{n}") for n in range(500)}) == 500


def test_body_of_a_stream() -> None:
    body = json.loads(workload(output_tokens=9, prompt_tokens=2).body(0, "user0.0", "tiny"))
    prompt = body.pop("messages")
    assert [message["role"] for message in prompt] == ["user"]
    assert body == {
        "model": "tiny",
        "max_tokens": 9,
        "temperature": 0.0,
        "stream": True,
        "ignore_eos": True,
        "stream_options": {"include_usage": True},
    }


def test_body_of_a_whole_answer() -> None:
    body = json.loads(workload(stream=False, ignore_eos=False).body(0, "user0.0", "tiny"))
    assert body["stream"] is False
    assert not body.keys() & {"stream_options", "ignore_eos"}


def test_usage_per_chunk_is_asked_for() -> None:
    body = json.loads(workload(usage_per_chunk=True).body(0, "user0.0", "tiny"))
    assert body["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
