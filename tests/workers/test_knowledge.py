from typing import Any

from tests.workers.rigs import spec
from vgate.upstream.onward import _continues
from vgate.workers import knowledge
from vgate.workers.worker import Worker


def worker(number: int, *told: dict[str, Any], **changes: Any) -> Worker:
    made = Worker(spec(number, **changes))
    if told:
        made.learn(told)
    return made


M = {"id": "m", "object": "model", "created": 1, "root": "/m", "max_model_len": 100, "permission": [{"id": "x1"}]}


def fingerprint(*workers: Worker) -> str:
    return knowledge.fingerprint(workers)


def test_C20_what_may_decide_an_answer_changes_the_fingerprint() -> None:
    plain = fingerprint(worker(0, M))
    for change in ({"root": "/m2"}, {"max_model_len": 99}, {"revision": "r"}, {"parent": "p"}, {"id": "n"}):
        assert fingerprint(worker(0, M | change)) != plain
    assert fingerprint(worker(0, M), worker(1, M | {"root": "/m2"})) != plain


def test_what_does_not_leaves_it() -> None:
    plain = fingerprint(worker(0, M))
    assert fingerprint(worker(0, M | {"created": 2, "permission": [{"id": "x2"}]})) == plain
    assert fingerprint(worker(0, M), worker(1, M), worker(2)) == plain
    assert fingerprint(worker(1, M), worker(0, M | {"id": "n"})) == fingerprint(
        worker(0, M | {"id": "n"}), worker(1, M)
    )


def test_models_are_there_once_and_sorted() -> None:
    found = knowledge.models([worker(0, M | {"id": "b"}, M | {"id": "a"}), worker(1, M | {"id": "b"})])
    assert [model["id"] for model in found] == ["a", "b"]


def test_of_models_that_are_configured_no_others_are_shown() -> None:
    only = worker(0, M, M | {"id": "n"}, models=frozenset({"m"}))
    assert [model["id"] for model in knowledge.models([only])] == ["m"]
    untold = worker(1, models=frozenset({"z"}))
    assert [model["id"] for model in knowledge.models([untold])] == ["z"]


def test_a_model_that_is_only_configured_is_not_taken_for_one_of_the_dry_run_engine() -> None:
    """Another gateway in front of this one would have it continue texts word by word."""
    (card,) = knowledge.models([worker(0, models=frozenset({"z"}))])
    assert not _continues(worker(1, card), "z")


def test_room_is_the_sum_of_all_bounds_if_all_have_one() -> None:
    bounded = [worker(0, max_concurrency=4), worker(1, max_concurrency=8)]
    assert knowledge.room(bounded) == 12
    assert knowledge.room([*bounded, worker(2)]) is None
    assert knowledge.room([]) is None
