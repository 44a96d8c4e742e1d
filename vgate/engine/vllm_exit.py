"""A vLLM plugin about how vLLM's processes end: at once instead of after seconds, and never after the server.

At exit the interpreter searches all of torch for garbage, which takes longer than the five seconds that vLLM waits
before it kills its engine process. And when a server is killed (kill -9, out of memory), vLLM's engine process would
stay and keep the card's memory. vLLM finds this through the entry point `vllm.general_plugins`, in each process.
"""

import atexit
import gc
import multiprocessing
import os
import signal
import threading


def register() -> None:
    """Leave nothing for the garbage collection at exit; end with the process that started this one."""
    atexit.register(gc.freeze)
    if multiprocessing.parent_process() is not None:
        threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    """The kernel's own signal for this (PR_SET_PDEATHSIG) comes already when the *thread* that started us ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # asked before
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)
