"""Other tools' result files as runs: the same rows, the same numbers, their words mapped to ours."""

from pathlib import Path

from vgate.harness.imports import aiperf, guidellm, vllm_bench
from vgate.harness.imports.base import Imported, ImportFailed
from vgate.harness.imports.run import write_run

__all__ = ["ImportFailed", "import_file", "read_file"]


def import_file(path: Path, results: Path) -> Path:
    """Make a run of a file, in a results folder; returns the run's folder. Importing again replaces it.

    Raises ImportFailed.
    """
    return write_run(read_file(path), path, results)


def read_file(path: Path) -> Imported:
    """What a file holds, whichever tool wrote it. Raises ImportFailed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportFailed(f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}") from None
    try:
        return _read(text, path)
    except ImportFailed as error:
        raise ImportFailed(f"{path}: {error}") from None
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ImportFailed(f"{path}: not as its tool writes it: {type(error).__name__}: {error}") from None


def _read(text: str, path: Path) -> Imported:
    if guidellm.recognised(text):
        return guidellm.read(text)
    if vllm_bench.recognised(text):
        return vllm_bench.read(text)
    if aiperf.recognised(text):
        return aiperf.read(text, path)
    raise ImportFailed(
        "not a result file of `vllm bench serve --save-result --save-detailed`, of GuideLLM (benchmarks.json)"
        " or of AIPerf (profile_export.jsonl)"
    )
