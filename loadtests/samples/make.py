"""Draws the samples of this folder anew: `python loadtests/samples/make.py [FOLDER]`."""

import csv
import io
import json
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from vgate.load.draws import Draws
from vgate.load.gamma import Gamma
from vgate.workload.lengths import Lognormal
from vgate.workload.words import words_for

ROWS = 240
RATE = 4.0
PROMPTS, ANSWERS = Lognormal(180, 0.7, 4, 900), Lognormal(40, 0.8, 1, 200)
WORDS = words_for(None)
SEED = 20261123


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    made = {
        "burstgpt.csv": burstgpt(sessions=False),
        "burstgpt_sessions.csv": burstgpt(sessions=True),
        "azure_2023.csv": azure(datetime(2023, 11, 16, 18, 15, 46, 680590, UTC), "{:%Y-%m-%d %H:%M:%S.%f}0"),
        "azure_2024.csv": azure(datetime(2024, 5, 10, 0, 0, 0, 9930, UTC), "{}"),
        "mooncake.jsonl": mooncake(),
        "sharegpt.json": json.dumps([sharegpt(number) for number in range(40)], indent=1) + "\n",
        "openai.jsonl": lines({"messages": openai(number)} for number in range(40)),
        "prompts.jsonl": lines(prompt(number) for number in range(40)),
    }
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def arrivals(name: str) -> list[tuple[float, int, int]]:
    """Moments in seconds, prompt and answer tokens."""
    draws = Draws(SEED, name)
    offsets = islice(Gamma(RATE, 0.6).offsets_s(SEED), ROWS)
    return [(offset, PROMPTS.draw(draws), ANSWERS.draw(draws)) for offset in offsets]


def burstgpt(sessions: bool) -> str:
    """Whole seconds; an answer of no tokens is a request that failed."""
    head = ["Timestamp", "Model", "Request tokens", "Response tokens", "Total tokens", "Log Type"]
    rows: list[list[Any]] = [[head[0], "Session ID", "Elapsed time", *head[1:]] if sessions else head]
    for number, (at, asked, answered) in enumerate(arrivals("burstgpt")):
        answer = 0 if number % 40 == 39 else answered
        about = ["GPT-4" if number % 5 == 0 else "ChatGPT", asked, answer, asked + answer]
        kind = "API log" if number % 3 == 0 else "Conversation log"
        session = [f"00000000-0000-4000-8000-{number // 4:012d}", 1 + answer // 20] if sessions else []
        rows.append([float(int(at)) if sessions else int(at), *session, *about, kind])
    return table(rows)


def azure(begin: datetime, form: str) -> str:
    """Moments of the wall clock."""
    rows: list[list[Any]] = [["TIMESTAMP", "ContextTokens", "GeneratedTokens"]]
    rows += [
        [form.format(begin + timedelta(seconds=round(at, 6))), asked, answered]
        for at, asked, answered in arrivals("azure")
    ]
    return table(rows)


def mooncake() -> str:
    """Chats of up to four turns, each of which begins with the blocks of the one before."""
    entries, blocks, new = [], [0], 1
    for number, (at, asked, answered) in enumerate(arrivals("mooncake")):
        blocks = blocks[:-1] if number % 4 else [0]
        blocks += range(new, new + 1 + asked // 200)
        new = blocks[-1] + 1
        length = 512 * (len(blocks) - 1) + 1 + asked % 512
        at_ms = round(at * 1000)
        entries.append(
            {"timestamp": at_ms, "input_length": length, "output_length": answered, "hash_ids": list(blocks)}
        )
    return lines(entries)


def sharegpt(number: int) -> dict[str, Any]:
    """One to four exchanges; every tenth begins in the middle of a conversation."""
    said = [
        {"from": who, "value": text(f"sharegpt{number}.{turn}.{who}", 6 + (number * 7 + turn * 5) % 40)}
        for turn in range(1 + number % 4)
        for who in ("human", "gpt")
    ]
    return {"id": f"made{number}", "conversations": said[1:] if number % 10 == 9 else said}


def openai(number: int) -> list[dict[str, str]]:
    """With and without a system message, ending with a question or with its answer."""
    system = [{"role": "system", "content": text("openai.system", 20)}] if number % 2 else []
    said = [
        {"role": role, "content": text(f"openai{number}.{turn}.{role}", 5 + (number * 3 + turn) % 30)}
        for turn in range(1 + number % 3)
        for role in ("user", "assistant")
    ]
    return system + said


def prompt(number: int) -> dict[str, Any]:
    """Every other one says how long its answer may be; of the others that has to be set."""
    entry: dict[str, Any] = {"prompt": text(f"prompt{number}", 8 + number % 50)}
    return entry | {"max_tokens": 4 + number % 20} if number % 2 else entry


def text(name: str, count: int) -> str:
    """Random words."""
    return WORDS.text(SEED, name, count)


def table(rows: list[list[Any]]) -> str:
    """As CSV."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def lines(entries: Any) -> str:
    """As JSON lines."""
    return "".join(json.dumps(entry) + "\n" for entry in entries)


if __name__ == "__main__":
    main()
