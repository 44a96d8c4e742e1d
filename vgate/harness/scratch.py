"""A folder that does not outlive the bench."""

import shutil
import subprocess
import tempfile
from pathlib import Path

_REMOVE = 'read _; exec rm -rf -- "$0"'


class Scratch:
    """A temporary folder that only this user can open. It goes by `remove`, or when this process is killed."""

    def __init__(self, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        # Reads from a pipe that nobody writes to: its end is the end of this process, whatever ended it.
        self._remover = subprocess.Popen(  # noqa: S603 -- our own program
            ["/bin/sh", "-c", _REMOVE, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def remove(self) -> None:
        """Remove the folder and all in it."""
        assert self._remover.stdin is not None  # a pipe
        self._remover.stdin.close()
        self._remover.wait()
        shutil.rmtree(self.path, ignore_errors=True)
