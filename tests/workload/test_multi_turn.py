from itertools import pairwise
from typing import Any

from tests.workload.settings import arrivals, multi_turn
from vgate.workload.base import Slot
from vgate.workload.multi_turn import MultiTurn


def asked(workload: MultiTurn, user: int, count: int) -> list[list[dict[str, Any]]]:
    return [workload.question(0, Slot(user, number)).messages for number in range(count)]


def continues(later: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> bool:
    """Whether `later` is `earlier`, its answer, and one more question."""
    return len(later) == len(earlier) + 2 and later[: len(earlier)] == earlier


def test_a_user_ends_a_conversation_before_beginning_the_next() -> None:
    requests = asked(multi_turn(turns=3), user=2, count=7)
    assert [len(messages) for messages in requests] == [1, 3, 5, 1, 3, 5, 1]
    assert [continues(b, a) for a, b in pairwise(requests)] == [True, True, False] * 2


def test_roles_alternate_and_answers_are_as_long_as_they_may_be() -> None:
    workload = multi_turn(turns=3, prompt_tokens=5, output_tokens=9)
    messages = asked(workload, 0, 3)[2]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant", "user"]
    assert [len(message["content"].split()) for message in messages] == [5, 9, 5, 9, 5]


def test_no_two_conversations_have_anything_in_common() -> None:
    firsts = {asked(multi_turn(turns=2), user, 9)[number][0]["content"] for user in range(5) for number in (0, 2, 4)}
    assert len(firsts) == 15


def test_an_open_loop_goes_round_the_conversations_under_way() -> None:
    requests = [question.messages for question in arrivals(multi_turn(turns=2, conversations=3), 12)]
    assert [len(messages) for messages in requests] == [1, 1, 1, 3, 3, 3] * 2
    assert all(continues(requests[number + 3], requests[number]) for number in (0, 1, 2, 6, 7, 8))
    assert len({messages[0]["content"] for messages in requests}) == 6


def test_the_number_of_turns_may_be_drawn() -> None:
    workload = multi_turn(turns={"distribution": "uniform", "min": 1, "max": 4})
    sizes = [(len(messages) + 1) // 2 for messages in asked(workload, 0, 200)]
    runs = [size for size, after in pairwise(sizes) if after == 1]
    assert {after for size, after in pairwise(sizes) if after != 1} <= {2, 3, 4}
    assert set(runs) == {1, 2, 3, 4}


def test_requests_can_be_made_in_any_order() -> None:
    """A driver that sends every third request makes the same ones as one that sends all."""
    forward, backward = multi_turn(turns=3), multi_turn(turns=3)
    made = {number: backward.body(1, Slot(4, number), "m") for number in reversed(range(20))}
    assert [forward.body(1, Slot(4, number), "m") for number in range(20)] == [made[number] for number in range(20)]
