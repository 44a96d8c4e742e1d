import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.calls import Asked, ask, asked, chat, leave
from tests.engine.faults import faults, restart
from tests.gateways import dry_run, gateway
from vgate import sse
from vgate.engine.base import Engine
from vgate.engine.dry_faults import KINDS, Faults
from vgate.errors import ApiError, NotReady
from vgate.types import Call

every_kind = pytest.mark.parametrize("kind", KINDS)


def kinds(count: int, **changes: Any) -> list[str]:
    """The faults of the first requests."""
    deck = Faults(**faults(**changes))
    return [deck.deal().kind for _ in range(count)]


async def with_fault(kind: str, **changes: Any) -> Engine:
    """An engine that has this fault in every answer, after one token where it counts them."""
    settings = {"prefill_tokens_per_s": 1000.0, "decode_step_ms": 10.0, "decode_step_per_seq_ms": 0.0}
    return await dry_run(**settings, faults=faults(**{kind: 1.0, "after_tokens": 1}), **changes)


async def pieces(engine: Engine, call: Call) -> AsyncGenerator[bytes, None]:
    async for piece in engine.run(await engine.prepare(call)):
        yield piece


async def answered(engine: Engine, call: Call) -> bytes:
    return b"".join([piece async for piece in pieces(engine, call)])


@every_kind
def test_faults_come_at_their_rate(kind: str) -> None:
    found = Counter(kinds(5000, **{kind: 0.2}))
    assert set(found) == {kind, ""}
    assert found[kind] / 5000 == pytest.approx(0.2, abs=0.02)


def test_a_request_has_one_fault_and_all_rates_hold_together() -> None:
    found = Counter(kinds(7000, **dict.fromkeys(KINDS, 1 / 7)))
    assert set(found) == set(KINDS)
    assert min(found.values()) > 850


def test_which_requests_fail_follows_from_the_seed() -> None:
    rates = {"drop": 0.3, "hang": 0.3}
    assert kinds(200, seed=1, **rates) == kinds(200, seed=1, **rates) != kinds(200, seed=2, **rates)


def test_nothing_fails_that_was_not_asked_for() -> None:
    assert set(kinds(100)) == {""}


@pytest.mark.parametrize("stream", [True, False])
async def test_error_before_the_first_token_is_an_error_at_once(stream: bool) -> None:
    engine = await with_fault("error_before")
    with pytest.raises(ApiError, match="before the first token") as caught:
        await answered(engine, chat(stream=stream))
    assert (caught.value.status, caught.value.code) == (500, "injected_fault")
    assert asyncio.get_running_loop().time() == 0


async def test_S6_error_midway_comes_after_so_many_tokens() -> None:
    said = pieces(await with_fault("error_after"), chat(stream=True, n=2, max_tokens=5))
    assert [b'"role"' in await anext(said) for _ in range(3)] == [True, True, False]
    with pytest.raises(ApiError, match="after 1 tokens"):
        await anext(said)


async def test_an_answer_shorter_than_that_fails_at_its_end() -> None:
    engine = await dry_run(faults=faults(error_after=1.0, after_tokens=1000))
    with pytest.raises(ApiError, match="tokens"):
        await answered(engine, chat(stream=True, max_tokens=1))


@pytest.mark.parametrize("stream", [True, False])
async def test_hang_never_ends_until_the_client_leaves(stream: bool) -> None:
    entry = gateway(await with_fault("hang"))
    task = asyncio.create_task(ask(entry, chat(stream=stream)))
    await asyncio.sleep(3600)
    assert not task.done()
    await leave(task)


@pytest.mark.parametrize("stream", [True, False])
async def test_S6_C9_drop_is_a_broken_answer_and_is_not_stored(stream: bool) -> None:
    entry = gateway(await with_fault("drop"), cache="lru")
    call = chat(stream=stream)
    asking = asked(call)
    with pytest.raises(ApiError) as caught:
        await ask(entry, call, asking)
    assert (caught.value.status, caught.value.code) == (502, "stream_broken")
    assert b"[DONE]" not in asking.data
    assert len(entry.cache) == 0


async def test_slow_takes_so_many_times_as_long_and_slows_nobody_else() -> None:
    """The one slow request among two has 10 steps for each token; the other has one."""
    seed = next(n for n in range(100) if kinds(2, seed=n, slow=0.5) == ["slow", ""])
    engine = await dry_run(
        prefill_tokens_per_s=1e9, decode_step_ms=10.0, decode_step_per_seq_ms=0.0, faults=faults(slow=0.5, seed=seed)
    )
    loop = asyncio.get_running_loop()

    async def took(call: Call) -> float:
        await answered(engine, call)
        return loop.time()

    times = await asyncio.gather(*(took(chat(max_tokens=20)) for _ in range(2)))
    assert times == pytest.approx([2.0, 0.2], rel=1e-3)


async def test_S7_split_says_the_same_in_pieces_that_cut_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the raw pieces some are no UTF-8, some begin within `data:`, and what the client gets is whole events."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)  # `created`
    call = chat("cut", stream=True, max_tokens=200)
    engine, plain = await with_fault("split"), await dry_run()
    raw = [piece async for piece in pieces(engine, call)]
    assert b"".join(raw) == await answered(plain, call)
    assert any(not _decodes(piece) for piece in raw)
    assert any(piece.startswith((b"ata: ", b"ta: ", b"a: ")) for piece in raw)
    assert (await ask(gateway(engine), call)).events == (await ask(gateway(plain), call)).events


def _decodes(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


async def test_S7_split_cuts_whole_answers_too() -> None:
    engine = await with_fault("split")
    call = chat("cut", max_tokens=200)
    assert len([piece async for piece in pieces(engine, call)]) > 10
    assert json.loads((await ask(gateway(engine), call)).data)["usage"]["completion_tokens"] == 200


async def test_what_is_said_has_characters_of_several_bytes() -> None:
    said = await answered(await dry_run(), chat("words", max_tokens=400))
    assert {len(character.encode()) for character in said.decode()} == {1, 2, 3, 4}


@pytest.mark.parametrize("stream", [True, False])
async def test_crash_ends_every_request_and_the_engine_comes_back(stream: bool) -> None:
    """One crashes it; others, running and waiting, are told so at the same moment; after the pause all is well."""
    seed = next(n for n in range(10000) if kinds(9, seed=n, crash=0.1) == ["crash", *[""] * 8])
    engine = await with_fault("crash", max_num_seqs=4, restart=restart(backoff_s=1.0))
    engine._faults = Faults(**faults(crash=0.1, after_tokens=1, seed=seed))  # type: ignore[attr-defined]
    watching = asyncio.create_task(engine.watch())
    entry = gateway(engine)
    results = await asyncio.gather(
        *(ask(entry, chat(f"{n}", stream=stream, max_tokens=50)) for n in range(8)), return_exceptions=True
    )
    assert {type(result) for result in results} == {NotReady}
    assert {str(result) for result in results} == {"The engine has died."}
    assert asyncio.get_running_loop().time() < 1
    assert not engine.ready
    with pytest.raises(NotReady):
        await ask(entry, chat("later"))
    await asyncio.sleep(1.3)
    assert (engine.ready, engine.restarts) == (True, 1)
    assert isinstance(await ask(entry, chat("later", stream=stream)), Asked)
    await engine.stop()
    await watching


async def test_who_asks_while_it_restarts_is_told_when_to_come_back() -> None:
    engine = await with_fault("crash", restart=restart(backoff_s=7.5))
    watching = asyncio.create_task(engine.watch())
    entry = gateway(engine)
    with pytest.raises(NotReady, match="died"):
        await ask(entry, chat())
    await asyncio.sleep(1.3)
    with pytest.raises(NotReady) as caught:
        await ask(entry, chat())
    assert int(caught.value.headers["retry-after"]) == 7
    await asyncio.sleep(7)
    assert engine.ready
    await engine.stop()
    await watching


async def test_what_hangs_ends_with_the_engine() -> None:
    engine = await with_fault("hang")
    task = asyncio.create_task(ask(gateway(engine), chat(stream=True)))
    await asyncio.sleep(10)
    await engine.stop()
    with pytest.raises(NotReady, match="died"):
        await task


def test_the_kinds_are_those_of_the_configuration() -> None:
    assert set(faults()) == {*KINDS, "seed", "after_tokens", "slow_factor"}
    assert sse.DONE  # what a dropped stream lacks
