"""A vLLM plugin that lets vLLM's processes end at once instead of after seconds.

At exit the interpreter searches all of torch for garbage, which takes longer than the five seconds that vLLM waits
before it kills its engine process. vLLM finds this through the entry point `vllm.general_plugins`, in each of its
processes.
"""

import atexit
import gc


def register() -> None:
    """Leave nothing for the garbage collection at exit."""
    atexit.register(gc.freeze)
