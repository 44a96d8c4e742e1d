"""O7: how large a body may be, by default and as it is set, however it is sent."""

from collections.abc import Iterable

import pytest

from tests.config.composing import serve
from vgate.api.asgi import ClientLeft, Message, read_json
from vgate.errors import TooLarge

LIMIT = 1000


class Client:
    """Sends a body in pieces; remembers how many were read."""

    def __init__(self, pieces: Iterable[bytes], *, leaves: bool = False) -> None:
        self._pieces = list(pieces)
        self._leaves = leaves
        self.read = 0

    async def __call__(self) -> Message:
        self.read += 1
        if self.read > len(self._pieces):
            assert self._leaves, "read on after the end"
            return {"type": "http.disconnect"}
        more = self._leaves or self.read < len(self._pieces)
        return {"type": "http.request", "body": self._pieces[self.read - 1], "more_body": more}


def body(size: int) -> bytes:
    """A JSON object of so many bytes."""
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_O7_the_default_is_4_mib() -> None:
    assert serve().settings.server.max_body_bytes == 4 * 2**20
    for preset in ("classic", "cpu", "dry_run", "prod"):
        assert serve(f"+preset={preset}").settings.server.max_body_bytes <= 4 * 2**20


@pytest.mark.parametrize("size", [1, 7, LIMIT])
async def test_O7_up_to_the_limit_it_is_read(size: int) -> None:
    read = await read_json({"headers": []}, Client(pieces(body(LIMIT), size)), LIMIT)
    assert len(read["a"]) == LIMIT - 8


@pytest.mark.parametrize("size", [1, 7, LIMIT + 1])
async def test_O7_beyond_it_is_413(size: int) -> None:
    with pytest.raises(TooLarge):
        await read_json({"headers": []}, Client(pieces(body(LIMIT + 1), size)), LIMIT)


async def test_O7_what_is_said_of_its_length_does_not_count() -> None:
    lies = {"headers": [(b"content-length", b"10")]}
    with pytest.raises(TooLarge):
        await read_json(lies, Client(pieces(body(LIMIT + 1), 100)), LIMIT)


async def test_O7_an_endless_one_is_not_read_to_its_end() -> None:
    client = Client([b"x" * LIMIT] * 10_000)
    with pytest.raises(TooLarge):
        await read_json({"headers": []}, client, LIMIT)
    assert client.read < 20


async def test_who_leaves_meanwhile_has_left() -> None:
    with pytest.raises(ClientLeft):
        await read_json({"headers": []}, Client([b'{"a":'], leaves=True), LIMIT)
