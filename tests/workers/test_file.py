"""A file of workers that is written while it is read."""

import asyncio
import logging
from pathlib import Path

import pytest

from vgate.workers.file import READ_LIMIT_S, File
from vgate.workers.worker import WorkerSpec

GOOD = b"- url: http://a:8000\n- {url: http://b:8000/v1, name: b, weight: 2, key: sk-secret}\n"


class Written:
    """What is in the file, instead of a file."""

    def __init__(self, content: bytes | Exception | None = GOOD) -> None:
        self.content = content
        self.file = File("/workers.yaml", self.read)
        self.told: list[list[str]] = []

    async def read(self, path: Path) -> bytes:
        if self.content is None:
            await asyncio.Event().wait()
        if isinstance(self.content, Exception):
            raise self.content
        assert isinstance(self.content, bytes)
        return self.content

    async def follow(self) -> None:
        async for specs in self.file.watch():
            self.told.append([spec.name for spec in specs])


@pytest.fixture
def written() -> Written:
    return Written()


async def after(written: Written, *contents: bytes | Exception | None) -> list[list[str]]:
    """What has been told when these were in the file, each for a while."""
    task = asyncio.create_task(written.follow())
    for content in contents:
        written.content = content
        await asyncio.sleep(READ_LIMIT_S + 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return written.told


async def test_the_keys_of_a_worker(written: Written) -> None:
    lists = written.file.watch()
    assert await anext(lists) == [
        WorkerSpec("http://a:8000", "a:8000"),
        WorkerSpec("http://b:8000", "b", "Bearer sk-secret", 2.0),
    ]
    await lists.aclose()


async def test_json_and_bare_urls_are_understood_too(written: Written) -> None:
    json = b'[{"url": "http://a:8000", "models": ["m"]}, "http://b:8000"]'
    assert await after(written, json) == [["a:8000", "b:8000"]]


async def test_a_change_is_told_and_none_is_not(written: Written) -> None:
    assert await after(written, GOOD, GOOD + b"# a comment\n", b"[]", GOOD) == [["a:8000", "b"], [], ["a:8000", "b"]]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (GOOD[:40], "is not YAML: while parsing|must begin|expected"),
        (b"", "must hold a list of workers"),
        (b"workers: []", "must hold a list of workers"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"- {url: http://a, weigth_: 2}", "0.weigth_: Extra inputs are not permitted"),
        (b"- http://a\n- HTTP://A/v1", "the list: every url must be there once; http://a is there 2 times"),
        (b"- {url: http://a, name: x}\n- {url: http://b, name: x}", "every name must be there once"),
        (b"- {url: 'http://u:sk-secret@a'}", "0.url: must not have a user or password"),
        (b"- {url: http://a, key_file: /gone}", "0.key_file: the file /gone cannot be read"),
        (b"- {url: http://a, key: sk-secret, key_env: HOME}", "only one may be given"),
        (FileNotFoundError(2, "No such file or directory"), "cannot be read: No such file or directory"),
        (None, "cannot be read within 10 s"),
    ],
)
async def test_the_last_good_list_holds_and_what_is_wrong_is_logged_once(
    written: Written, wrong: bytes | Exception | None, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await after(written, GOOD, wrong, wrong) == [["a:8000", "b"]]
    (record,) = caplog.records
    assert written.file.failures >= 2  # and counted each time
    assert any(part in record.error for part in why.split("|")), record.error
    assert "\n" not in record.error
    assert "sk-secret" not in str(vars(record))


async def test_what_is_still_being_written_is_not_taken_though_it_looks_right(written: Written) -> None:
    """A file cut anywhere between two lines is a list too, of fewer workers; cut in a port, of others."""
    whole = b"".join(b"- http://w%d:8000\n" % number for number in range(10))
    task = asyncio.create_task(written.follow())
    written.content = whole
    await asyncio.sleep(3)
    for end in range(17, len(whole), 2):
        written.content = whole[:end]
        await asyncio.sleep(0.9)
    written.content = whole
    await asyncio.sleep(3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert written.told == [[f"w{number}:8000" for number in range(10)]]


async def test_one_that_is_wrong_from_the_start_tells_of_nobody_until_it_is_right(written: Written) -> None:
    assert await after(written, b"", GOOD) == [[], ["a:8000", "b"]]


async def test_a_key_that_changes_in_its_file_changes_the_worker(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("one\n")
    written = Written(f"- {{url: http://a, key_file: {key}}}".encode())
    lists = written.file.watch()
    assert (await anext(lists))[0].authorization == "Bearer one"
    key.write_text("two\n")
    assert (await anext(lists))[0].authorization == "Bearer two"
    await lists.aclose()


@pytest.mark.real_time
async def test_a_real_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "workers.yaml"
    path.write_bytes(GOOD)
    lists = File(str(path)).watch()
    assert len(await anext(lists)) == 2
    path.write_bytes(b"[]")
    async with asyncio.timeout(5):
        assert await anext(lists) == []
    await lists.aclose()
    caplog.set_level(logging.ERROR)
    assert not caplog.records


def test_two_of_one_path_are_the_same() -> None:
    assert File("a").same_as(File("a"))
    assert not File("a").same_as(File("b"))
