"""How many writes an answer takes, and what is written first."""

from types import SimpleNamespace
from typing import Any

from vgate.api.heads import keep_head


class Transport:
    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def begun(method: str = "POST") -> tuple[Any, Transport]:
    transport = Transport()
    cycle: Any = SimpleNamespace(scope={"method": method}, transport=transport, response_started=False)
    keep_head(cycle)
    return cycle, transport


def test_the_head_goes_out_with_the_first_of_the_body_and_the_rest_as_it_comes() -> None:
    cycle, transport = begun()
    cycle.response_started = True
    cycle.transport.write(b"head ")
    assert transport.writes == []
    for piece in (b"first", b"second"):
        cycle.transport.write(piece)
    assert transport.writes == [b"head first", b"second"]
    assert cycle.transport is transport


def test_100_continue_is_not_held_back() -> None:
    cycle, transport = begun()
    cycle.transport.write(b"100 Continue")
    assert transport.writes == [b"100 Continue"]


def test_an_answer_to_head_has_no_body_to_wait_for() -> None:
    cycle, transport = begun("HEAD")
    cycle.response_started = True
    cycle.transport.write(b"head")
    assert transport.writes == [b"head"]


def test_an_app_that_fails_after_its_head_still_closes() -> None:
    cycle, transport = begun()
    cycle.response_started = True
    cycle.transport.write(b"head")
    assert not cycle.transport.is_closing()
    cycle.transport.close()
    assert transport.closed
