"""Files of chats: ShareGPT's `conversations`, OpenAI's `messages`, or a plain `prompt` in each entry."""

import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from vgate.load.recorded import WrongFile

Message = dict[str, Any]
# Who speaks, in files of the ShareGPT kind.
ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant"} | {
    "bing": "assistant",
    "bard": "assistant",
    "system": "system",
}
WHICH = {"first": slice(0, 1), "last": slice(-1, None), "all": slice(None)}


@dataclass(frozen=True, slots=True)
class Turn:
    """A point of a chat at which the assistant is to answer.

    messages: all up to there. answer: what the file has for it, if it has. limit: the entry's own max_tokens, if any.
    """

    messages: list[Message]
    answer: str | None
    limit: int | None


@lru_cache(maxsize=8)
def read_chats(path: str, turns: str, max_entries: int) -> tuple[tuple[Turn, ...], ...]:
    """The turns (`first`, `last` or `all` of each) of the file's first entries. Raises WrongFile.

    The file is a JSON array, or has an entry in each line. Entries in which no user says anything are left out.
    """
    # Closed at once: an error, or the limit, leaves the generator in the middle of its open file.
    with closing(_entries(Path(path))) as entries:
        chats = [_turns(name, entry, turns) for name, entry in islice(entries, max_entries)]
    found = tuple(chat for chat in chats if chat)
    if not found:
        raise WrongFile("holds no entry with a question of a user")
    return found


def _entries(path: Path) -> Generator[tuple[str, Any]]:
    """Each entry, and what it is called in an error."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            if file.read(1) == "[":
                file.seek(0)
                yield from ((f"entry {number}", entry) for number, entry in enumerate(json.load(file), 1))
                return
            file.seek(0)
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"line {number}", _parsed(number, line)
    except json.JSONDecodeError as error:
        raise WrongFile(f"is not JSON: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise WrongFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _parsed(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise WrongFile(f"line {number} is not JSON: {error}") from None


def _turns(name: str, entry: Any, which: str) -> tuple[Turn, ...]:
    messages, limit = _messages(name, entry), _limit(name, entry)
    points = [
        index
        for index, message in enumerate(messages)
        if message["role"] in ("user", "tool") and _role(messages, index + 1) in (None, "assistant")
    ]
    return tuple(Turn(messages[: index + 1], _answer(messages, index + 1), limit) for index in points[WHICH[which]])


def _messages(name: str, entry: Any) -> list[Message]:
    """An entry in OpenAI's terms. What an assistant says before any user is left out."""
    if not isinstance(entry, dict) or not entry.keys() & {"conversations", "messages", "prompt"}:
        raise WrongFile(f"{name} has none of conversations (as ShareGPT), messages (as OpenAI), prompt")
    try:
        if "messages" in entry:
            return [{**message, "role": message["role"]} for message in entry["messages"]]
        if "conversations" in entry:
            said = [{"role": ROLES[part["from"]], "content": part["value"]} for part in entry["conversations"]]
            begin = next((n for n, message in enumerate(said) if message["role"] == "user"), len(said))
            return [message for message in said[:begin] if message["role"] == "system"] + said[begin:]
    except (KeyError, TypeError) as error:
        raise WrongFile(f"{name} is no chat as ShareGPT or OpenAI write it: {error!r}") from None
    if not isinstance(entry["prompt"], str):
        raise WrongFile(f"{name}: prompt must be text")
    return [{"role": "user", "content": entry["prompt"]}]


def _limit(name: str, entry: dict[str, Any]) -> int | None:
    limit = entry.get("max_tokens", entry.get("output_tokens"))
    if limit is None or (isinstance(limit, int) and limit > 0):
        return limit
    raise WrongFile(f"{name}: max_tokens must be a number of tokens, not {limit!r}")


def _role(messages: list[Message], index: int) -> str | None:
    return messages[index]["role"] if index < len(messages) else None


def _answer(messages: list[Message], index: int) -> str | None:
    """The recorded answer; None where there is none, or one without text."""
    content = messages[index].get("content") if index < len(messages) else None
    return content if isinstance(content, str) and content else None
