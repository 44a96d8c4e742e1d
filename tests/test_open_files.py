"""In processes of their own: a limit that has been lowered cannot always be raised again."""

import subprocess
import sys

from vgate import open_files

PROGRAM = """
import resource
from vgate import open_files
resource.setrlimit(resource.RLIMIT_NOFILE, {lowered})
print(open_files.limit(), open_files.most(), open_files.raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def told(soft: int, hard: int) -> list[int]:
    program = PROGRAM.format(lowered=(soft, hard))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_the_soft_limit_becomes_the_hard_one() -> None:
    assert told(256, 512) == [256, 512, 512, 512, 512]


def test_what_is_there_already_stays() -> None:
    assert told(512, 512) == [512] * 5


def test_no_limit_is_a_number_too() -> None:
    assert 0 < open_files.limit() <= open_files.most() <= open_files.MOST
