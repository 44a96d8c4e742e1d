"""Ray's own code, in a process beside the gateway's."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from typing import Any

from vgate.engine.ray_driver import DONE, FAILED
from vgate.errors import EngineStartError

COMMAND = (sys.executable, "-m", "vgate.engine.ray_driver")
_ENDED = "the process in which Ray's code ran has ended"
# A socket's path may have 107 bytes, and Ray needs about 75 below its folder.
_LONGEST_FOLDER = 28
_ENDING_S = 5.0
_LONGEST_LINE = 1 << 22


class RayProcess:
    """Makes the calls of a `ray_cluster.Cluster` one after the other, in a process that `ray_driver` describes.

    ray, replica: see Cluster. What Ray starts ends with that process, and that process with this one.
    """

    def __init__(self, ray: dict[str, Any], replica: dict[str, Any]) -> None:
        self._sections = {"ray": ray, "replica": replica}
        self._folder: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._over = False
        self._calling = asyncio.Lock()
        self._number = 0

    async def ask(self, call: str) -> Any:
        """What it returns. Raises EngineStartError as it does or when the process has ended; OSError for the rest."""
        async with self._calling:
            if self._over:
                raise EngineStartError(_ENDED)
            process = self._process = self._process or await self._started()
            self._number += 1
            _send(process, [self._number, call])
            number, kind, value = 0, "", None
            while number != self._number:  # those before it nobody has waited for
                number, kind, value = await _received(process)
        if kind == DONE:
            return value
        raise EngineStartError(value) if kind == FAILED else OSError(value)

    async def end(self) -> None:
        """After the call that is being made, if that takes no longer than a few seconds. No more are made."""
        self._over = True
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_ENDING_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _started(self) -> asyncio.subprocess.Process:
        # A session of its own: Ctrl-C goes to all that belong to a terminal's.
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,
        )
        if self._over:  # meanwhile
            process.kill()
            await process.wait()
            raise EngineStartError(_ENDED)
        if self._sections["ray"]["address"] is None:
            # Ray opens its folder to everybody; the one around it stays this user's.
            self._folder = tempfile.mkdtemp(prefix="vgate-ray-", dir=_short_folder())
        _send(process, {**self._sections, "folder": self._folder and f"{self._folder}/r"})
        return process


def _send(process: asyncio.subprocess.Process, message: Any) -> None:
    assert process.stdin is not None
    if process.stdin.is_closing():
        raise EngineStartError(_ENDED)
    process.stdin.write(json.dumps(message).encode() + b"\n")


async def _received(process: asyncio.subprocess.Process) -> list[Any]:
    assert process.stdout is not None
    if not (line := await process.stdout.readline()):
        raise EngineStartError(_ENDED)
    return list(json.loads(line))


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    return folder if len(os.fsencode(f"{folder}/vgate-ray-12345678/r")) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108
