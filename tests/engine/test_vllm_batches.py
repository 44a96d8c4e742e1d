"""What being in a batch does to an answer on real vLLM: nothing that a client could tell."""

import asyncio
import statistics
import time
from typing import Any

import httpx
import pytest

from tests.engine.test_vllm import CHAT, NO_CACHE, NO_DEDUP, ask_all, body, strategy
from tests.servers import Server

pytestmark = pytest.mark.vllm

PROMPTS = [f"Tell me about number {number}, and why it is {'large' if number % 2 else 'small'}" for number in range(16)]


@pytest.fixture
def together(vllm_server: Server) -> Server:
    """Requests that come at the same time enter together, up to 16; nothing is cached or shared."""
    window = strategy("time_window.TimeWindow", 16, 300)
    vllm_server.swap(batch=window, cache=NO_CACHE, dedup=NO_DEDUP)
    return vllm_server


def choice(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["choices"][0]
    return found


def test_B3_different_sampling_parameters_in_one_batch_are_each_honoured(together: Server) -> None:
    wanted: list[dict[str, Any]] = [
        {"max_tokens": 3},
        {"max_tokens": 11, "logprobs": True, "top_logprobs": 2},
        {"max_tokens": 5, "n": 2, "temperature": 1.0, "seed": 7},
        {"max_tokens": 40, "temperature": 1.5, "seed": 1},
        {"max_tokens": 40, "temperature": 1.5, "seed": 1},
        {"max_tokens": 40, "temperature": 1.5, "seed": 2},
    ]
    answers = ask_all(together, [body("The same question", **fields) for fields in wanted])
    assert {batch["prompts"] for batch in together.wait_for("batch done")} == {len(wanted)}
    made = [answer.json()["usage"]["completion_tokens"] for answer in answers]
    assert made == [3, 11, 10, 40, 40, 40]
    assert [bool(choice(answer)["logprobs"]) for answer in answers] == [False, True] + [False] * 4
    assert [len(answer.json()["choices"]) for answer in answers] == [1, 1, 2, 1, 1, 1]
    texts = [choice(answer)["message"]["content"] for answer in answers[3:]]
    assert texts[0] == texts[1] != texts[2]


def share_unchanged(server: Server) -> float:
    """Of greedy answers, those that are the same alone and in a batch of sixteen."""
    in_company = [choice(one)["message"]["content"] for one in ask_all(server, [body(text) for text in PROMPTS])]
    alone = [choice(ask_all(server, [body(text)])[0])["message"]["content"] for text in PROMPTS]
    return sum(a == b for a, b in zip(alone, in_company, strict=True)) / len(PROMPTS)


def test_B9_company_does_not_change_a_greedy_answer(together: Server) -> None:
    """vLLM promises that on some GPUs only; in float32 on a CPU rounding may tip an even choice now and then."""
    assert share_unchanged(together) >= 0.9


def shape(value: Any) -> Any:
    """Names and types, without values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def test_B10_a_batch_of_one_and_one_of_eight_look_alike(together: Server) -> None:
    """Bodies and headers of good and bad answers; the bad one fails alone."""
    bad = body("bad", max_tokens=10**6)

    async def ask(bodies: list[dict[str, Any]]) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=together.base_url, timeout=60) as client:
            return await asyncio.gather(*(client.post(CHAT, json=one) for one in bodies))

    good_alone, bad_alone = (asyncio.run(ask([one]))[0] for one in (body("one"), bad))
    several = asyncio.run(ask([bad, *(body(f"{number}") for number in range(8))]))
    assert [one.status_code for one in several] == [400] + [200] * 8
    for alone, others in ((bad_alone, several[:1]), (good_alone, several[1:])):
        assert {str(shape(one.json())) for one in others} == {str(shape(alone.json()))}
        assert {frozenset(one.headers) for one in others} == {frozenset(alone.headers)}


def health_ms(server: Server) -> tuple[list[float], list[float]]:
    """How long `/health` takes, asked every few ms: in quiet, and while prompts of a megabyte are tokenized."""
    long = body("word " * 200_000, max_tokens=1)

    async def probe(client: httpx.AsyncClient, until: asyncio.Event) -> list[float]:
        took = []
        while not until.is_set():
            begin = time.perf_counter()
            await client.get("/health")
            took.append(1e3 * (time.perf_counter() - begin))
            await asyncio.sleep(0.002)
        return took

    async def run() -> tuple[list[float], list[float]]:
        quiet, busy = asyncio.Event(), asyncio.Event()
        async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as client:
            asyncio.get_running_loop().call_later(1.0, quiet.set)
            before = await probe(client, quiet)
            probing = asyncio.create_task(probe(client, busy))
            async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as sender:
                for _ in range(5):
                    assert (await sender.post(CHAT, json=long)).status_code == 400
            busy.set()
            return before, await probing

    return asyncio.run(run())


def test_B12_a_body_of_a_megabyte_does_not_keep_others_from_being_answered(vllm_server: Server) -> None:
    quiet, busy = health_ms(vllm_server)
    assert statistics.median(busy) < statistics.median(quiet) + 50
