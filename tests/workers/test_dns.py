"""Workers by DNS: answers that come, change, fail, or say nothing."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from vgate.config.workers_schema import DnsSettings
from vgate.workers.dns import RESOLVE_LIMIT_S, Dns, Family

SETTINGS = {"refresh_s": 5.0, "keep_s": 60.0, "max_workers": 4, "family": "any"}
FAILS = OSError(-3, "Temporary failure in name resolution")


class Names:
    """A name server's answers, the last of which stays."""

    def __init__(self, **changes: Any) -> None:
        self.answer: Sequence[str] | Exception | None = []
        self.dns = Dns("vllm", 8000, DnsSettings.model_validate(SETTINGS | changes), self.resolve)
        self.told: list[dict[str, str]] = []

    async def resolve(self, host: str, family: Family) -> Sequence[str]:
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer

    async def follow(self) -> None:
        async for specs in self.dns.watch():
            self.told.append({spec.name: spec.url for spec in specs})

    async def after(self, *answers: tuple[float, Sequence[str] | Exception | None]) -> list[dict[str, str]]:
        """What has been told when each was the answer for so many seconds."""
        task = asyncio.create_task(self.follow())
        for seconds, answer in answers:
            self.answer = answer
            await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return self.told


A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"


def told(*addresses: str) -> dict[str, str]:
    return {f"vllm-{number}": f"http://{address}:8000" for number, address in enumerate(addresses)}


async def test_every_address_is_a_worker_once() -> None:
    assert await Names().after((20, [B, A, A, B])) == [told(A, B)]


async def test_one_that_comes_is_found_at_the_next_question() -> None:
    assert await Names().after((7, [A]), (6, [A, B])) == [told(A), told(A, B)]


async def test_one_that_is_gone_is_one_until_it_has_been_gone_for_so_long() -> None:
    names = Names()
    assert await names.after((5, [A, B]), (50, [A])) == [told(A, B)]
    names.told.clear()
    assert (await Names().after((5, [A, B]), (70, [A])))[-1] == told(A)


@pytest.mark.parametrize("answer", [[], FAILS, None], ids=["empty", "fails", "hangs"])
async def test_without_an_answer_the_last_one_holds_for_so_long(
    answer: Sequence[str] | Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Then an address may be somebody else's, who shall not be sent the key."""
    names = Names()
    assert await names.after((5, [A, B]), (50, answer)) == [told(A, B)]
    assert [record.message for record in caplog.records] == ["workers not found by DNS"]
    assert names.dns.failures >= 3
    names = Names()
    assert await names.after((5, [A, B]), (65 + 2 * RESOLVE_LIMIT_S, answer)) == [told(A, B), {}]


async def test_a_name_server_that_tells_some_at_a_time_takes_none_away() -> None:
    names, some = Names(), [[A, B], [B, C], [A, C]] * 20
    assert (await names.after(*((5.0, answer) for answer in some)))[1:] == [told(A, B, C)]


async def test_one_that_fails_from_the_start_tells_of_nobody() -> None:
    assert await Names().after((10, FAILS), (10, [A])) == [{}, told(A)]


async def test_O1_names_stay_within_a_bound_however_many_addresses_come_and_go() -> None:
    names = Names(keep_s=1.0)
    await names.after(*((5.0, [f"10.0.{n}.{m}" for m in range(3)]) for n in range(100)))
    assert {name for found in names.told for name in found} <= {f"vllm-{number}" for number in range(4)}
    assert len(names.dns._seen) == len(names.dns._numbers) == 3


async def test_more_than_the_most_are_left_out_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    assert len((await Names().after((100, [f"10.0.0.{n}" for n in range(9)])))[0]) == 4
    assert [record.message for record in caplog.records] == ["more workers than engine.dns.max_workers"]


async def test_a_worker_keeps_its_name_when_others_go() -> None:
    names = Names(keep_s=1.0)
    assert await names.after((5, [A, B, C]), (5, [C]), (5, [A, C])) == [
        told(A, B, C),
        {"vllm-2": f"http://{C}:8000"},
        {"vllm-2": f"http://{C}:8000", "vllm-0": f"http://{A}:8000"},
    ]


async def test_ipv6_and_how_all_are_asked() -> None:
    names = Names(key="sk-a", weight=2.0, max_concurrency=3, models=["m"])
    names.answer = ["fd00::1"]
    lists = names.dns.watch()
    (found,) = await anext(lists)
    await lists.aclose()
    assert (found.url, found.authorization) == ("http://[fd00::1]:8000", "Bearer sk-a")
    assert (found.weight, found.max_concurrency, found.models) == (2.0, 3, {"m"})


async def test_a_key_file_that_has_gone_leaves_the_workers(tmp_path: Any) -> None:
    key = tmp_path / "key"
    key.write_text("sk-a")
    names = Names(key_file=str(key))
    names.answer = [A]
    lists = names.dns.watch()
    await anext(lists)
    key.unlink()
    waits = asyncio.ensure_future(anext(lists))
    await asyncio.sleep(30)
    assert not waits.done()
    assert names.dns.failures >= 5
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)


def test_the_same_question_is_the_same_source() -> None:
    assert Names().dns.same_as(Names().dns)
    assert not Names().dns.same_as(Names(weight=2.0).dns)


@pytest.mark.real_time
async def test_a_real_name() -> None:
    settings = DnsSettings.model_validate(SETTINGS | {"family": "ipv4"})
    lists = Dns("localhost", 8000, settings).watch()
    assert [spec.url for spec in await anext(lists)] == [f"http://{socket.gethostbyname('localhost')}:8000"]
    await lists.aclose()
