"""The list of workers that Ray tells."""

import contextlib
from collections.abc import Mapping, Sequence

from vgate.engine.ray_source import RaySource
from vgate.errors import EngineStartError
from vgate.workers.worker import WorkerSpec

Answer = Mapping[str, WorkerSpec] | OSError | EngineStartError


def replicas(*ports: str) -> dict[str, WorkerSpec]:
    return {port: WorkerSpec(f"http://10.0.0.1:{port}", port, f"Bearer {port}") for port in ports}


async def told(*answers: Answer) -> tuple[RaySource, list[dict[str, str]]]:
    """The lists, as name -> port, that come of these answers; the last answer stays."""
    left = list(answers)

    async def ask() -> Mapping[str, WorkerSpec]:
        answer = left.pop(0)
        if not left:
            raise Done
        if isinstance(answer, Exception):
            raise answer
        return answer

    class Done(Exception):
        pass

    left.append(OSError())
    source, lists = RaySource(ask, 1.0), []
    with contextlib.suppress(Done):
        async for specs in source.watch():
            lists.append(named(specs))  # noqa: PERF401  what came before the end is kept
    return source, lists


def named(specs: Sequence[WorkerSpec]) -> dict[str, str]:
    return {spec.name: spec.url.rpartition(":")[2] for spec in specs}


async def test_a_list_is_told_at_once_and_again_when_it_has_changed() -> None:
    _, lists = await told(replicas("1"), replicas("1"), replicas("1", "2"))
    assert lists == [{"replica-0": "1"}, {"replica-0": "1", "replica-1": "2"}]


async def test_O1_a_replica_that_replaces_another_one_takes_its_name() -> None:
    _, lists = await told(replicas("1", "2"), replicas("2"), replicas("2", "3"))
    assert lists[-1] == {"replica-1": "2", "replica-0": "3"}


async def test_while_ray_does_not_answer_the_last_list_holds_and_failures_are_counted() -> None:
    source, lists = await told(replicas("1"), TimeoutError(), EngineStartError("gone"), replicas("1"))
    assert lists == [{"replica-0": "1"}]
    assert source.failures == 2


async def test_of_a_first_answer_that_does_not_come_the_empty_list_is_told() -> None:
    _, lists = await told(OSError("gone"), replicas("1"))
    assert lists == [{}, {"replica-0": "1"}]


async def test_the_key_goes_with_the_replica() -> None:
    async def ask() -> Mapping[str, WorkerSpec]:
        return replicas("1")

    watching = RaySource(ask, 1.0).watch()
    (spec,) = await anext(watching)
    await watching.aclose()
    assert spec.authorization == "Bearer 1"
