"""What every workload promises, shown on every option of `conf/workload/`."""

import json
from itertools import product

import pytest

from tests.load.plans import WORKLOADS, workload
from vgate.workload.base import Slot

SLOTS = [Slot(user, number) for user in (None, 0, 1, 7) for number in (0, 1, 2, 63)]


@pytest.mark.parametrize("option", WORKLOADS)
def test_bytes_depend_on_seed_and_slot_alone(option: str) -> None:
    """In whatever order they are made, by whatever process."""
    forward, backward = workload(option), workload(option)
    made = {slot: backward.body(5, slot, "m") for slot in reversed(SLOTS)}
    assert [forward.body(5, slot, "m") for slot in SLOTS] == [made[slot] for slot in SLOTS]


@pytest.mark.parametrize("option", WORKLOADS)
def test_another_seed_asks_something_else(option: str) -> None:
    made = workload(option)
    bodies = [[made.body(seed, Slot(None, number), "m") for number in range(20)] for seed in (5, 6)]
    assert bodies[0] != bodies[1]


@pytest.mark.parametrize("option", WORKLOADS)
def test_every_body_is_a_chat_that_ends_with_a_question(option: str) -> None:
    made = workload(option)
    for slot in SLOTS:
        body = json.loads(made.body(5, slot, "m"))
        assert body["model"] == "m"
        assert body["max_tokens"] >= 1
        assert body["messages"][-1]["role"] == "user"
        assert all(message["content"] for message in body["messages"])


@pytest.mark.parametrize(("option", "stream", "ignore_eos"), list(product(WORKLOADS, [True, False], [True, False])))
def test_common_settings_reach_the_body(option: str, stream: bool, ignore_eos: bool) -> None:
    made = workload(option, stream=stream, ignore_eos=ignore_eos, temperature=0.5)
    body = json.loads(made.body(5, Slot(None, 0), "m"))
    assert (body["stream"], body.get("ignore_eos", False), body["temperature"]) == (stream, ignore_eos, 0.5)
    assert ("stream_options" in body) == stream
