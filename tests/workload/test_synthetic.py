from collections import Counter

from tests.workload.settings import arrivals, synthetic, text
from vgate.workload.base import Slot


def test_requests_differ_by_slot_and_seed() -> None:
    prompts = {
        text(synthetic().question(seed, Slot(user, number)))
        for seed in range(2)
        for user in (None, *range(5))
        for number in range(20)
    }
    assert len(prompts) == 2 * 6 * 20


def test_prompts_do_not_begin_alike() -> None:
    """What a prefix cache could share would make the load lighter than it says."""
    beginnings = Counter(" ".join(text(question).split()[:4]) for question in arrivals(synthetic(), 500))
    assert max(beginnings.values()) == 1


def test_a_prompt_has_as_many_words_as_asked_for() -> None:
    (question,) = arrivals(synthetic(prompt_tokens=77, output_tokens=5), 1)
    assert [message["role"] for message in question.messages] == ["user"]
    assert len(text(question).split()) == 77
    assert question.output_tokens == 5


def test_lengths_are_drawn_for_each_request() -> None:
    asked = arrivals(
        synthetic(
            prompt_tokens={"distribution": "uniform", "min": 3, "max": 6},
            output_tokens={"distribution": "lognormal", "median": 20, "sigma": 0.5, "max": 60},
        ),
        300,
    )
    assert {len(text(question).split()) for question in asked} == {3, 4, 5, 6}
    outputs = sorted(question.output_tokens for question in asked)
    assert outputs[0] >= 1
    assert outputs[-1] <= 60
    assert 17 < outputs[150] < 23
