"""What libraries and child processes print, as log lines. Each in a process of its own, whose output it is."""

import json
import subprocess
import sys
import textwrap
from typing import Any

PRELUDE = """
import os, subprocess, sys
from vgate.observe.capture import OutputCapture
from vgate.observe.logs import configure
with OutputCapture() as capture:
    close = configure("DEBUG", True, capture.stdout)
    {body}
    sys.stdout.flush()
    {after}
close()
"""


def run(body: str, after: str = "") -> tuple[list[dict[str, Any]], str]:
    """The JSON lines on stdout, and stderr."""
    program = PRELUDE.format(body=textwrap.indent(body, "    ").strip(), after=after)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_every_kind_of_printing_becomes_log_lines_on_stdout() -> None:
    lines, stderr = run(
        'print("by python")\n'
        'os.write(2, b"by the descriptor\\n")\n'
        'subprocess.run([sys.executable, "-c", "print(\'by a child\')"], check=True)\n'
    )
    assert {line["message"] for line in lines} == {"by python", "by the descriptor", "by a child"}
    assert {(line["logger"], line["level"]) for line in lines} == {("engine.output", "info")}
    assert stderr == ""


def test_levels_of_vllms_lines_are_kept_their_marks_taken_off_and_errors_are_left_to_their_cause() -> None:
    printed = [
        "(EngineCore pid=12) INFO 11-22 10:00:00 [core.py:58] loading",
        "(APIServer) WARNING 11-22 10:00:00 [a.py:1] careful",
        "\x1b[1;36m(EngineCore_0 pid=7)\x1b[0;0m ERROR 11-22 10:00:00 [core.py:1] Traceback",
        "   ",
        "no mark at all",
    ]
    lines, _ = run("\n".join(f"print({line!r})" for line in printed))
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", "loading"),
        ("warning", "careful"),
        ("debug", "Traceback"),
        ("info", "no mark at all"),
    ]


def test_the_last_error_is_the_first_of_the_traceback_in_one_line() -> None:
    body = (
        'print("ValueError: too little memory: 0.1 < 0.5")\n'
        'print("RuntimeError: Engine core initialization failed. See root cause above.")\n'
    )
    after = "import time; [time.sleep(0.01) for _ in range(500) if len(capture._lines) < 2]; "
    lines, stderr = run(body, after + "print(capture.last_error(), file=capture.stderr)")
    assert stderr == "too little memory: 0.1 < 0.5\n"
    assert len(lines) == 2


def test_without_an_error_there_is_none() -> None:
    assert run('print("all: well")', "print(capture.last_error(), file=capture.stderr)")[1] == "None\n"


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    lines, _ = run('os.write(1, b"\\xff\\xfe broken\\nand on\\n")')
    assert [line["message"] for line in lines] == ["\ufffd\ufffd broken", "and on"]


def test_afterwards_nothing_but_the_log_comes_on_stdout() -> None:
    """A thread that loads an engine still prints when the server is stopped meanwhile."""
    program = PRELUDE.format(body='print("inside")', after="") + 'print("outside"); print("err", file=sys.stderr)'
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == ["inside"]
    assert set(done.stderr.splitlines()) == {"outside", "err"}


def test_a_child_that_goes_on_does_not_keep_the_program() -> None:
    """An engine process that outlives us holds the pipe open: leaving takes seconds at most."""
    child = 'subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"])'
    lines, _ = run(f'{child}\nprint("left")')
    assert [line["message"] for line in lines] == ["left"]
