import json

from tests.workload.settings import synthetic
from vgate.workload.base import Slot


def test_names_of_slots() -> None:
    assert Slot(None, 7).name == "arrival7"
    assert Slot(3, 7).name == "user3.7"


def test_body_of_a_stream() -> None:
    body = json.loads(synthetic(output_tokens=9, prompt_tokens=2).body(0, Slot(0, 0), "tiny"))
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
    body = json.loads(synthetic(stream=False, ignore_eos=False).body(0, Slot(0, 0), "tiny"))
    assert body["stream"] is False
    assert not body.keys() & {"stream_options", "ignore_eos"}


def test_usage_per_chunk_is_asked_for() -> None:
    body = json.loads(synthetic(usage_per_chunk=True).body(0, Slot(0, 0), "tiny"))
    assert body["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
