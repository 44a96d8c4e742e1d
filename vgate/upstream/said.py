"""What a stream has told its client so far, and how another worker's stream goes on from there.

Two ways. A worker can be asked to *continue*: what has been said belongs to its prompt, and there is less to say; it
takes a moment, and needs the very tokens. Or it can be asked the whole request *again*, and what the client has had is
left out as it comes, held against what was said letter by letter: that works wherever the same request gives the same
text, and costs the time in which it is said again.
"""

import re
from typing import Any, Literal

from vgate import sse
from vgate.types import Call
from vgate.upstream.tokens import Tokens

# Fields under which a stream is plain text that the same request would give again. Not among them: several choices,
# log probabilities, tools, structured answers and reasoning, of which more than the text would have to fit.
_PLAIN = frozenset(
    {
        *("model", "messages", "prompt", "stream", "stream_options", "user", "cache_salt", "priority"),
        *("max_tokens", "max_completion_tokens", "min_tokens", "ignore_eos", "n", "seed"),
        *("temperature", "top_p", "top_k", "min_p", "logit_bias"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty"),
        *("stop", "stop_token_ids", "include_stop_str_in_output"),
    }
)
_TEXT_ONLY = frozenset({"role", "content"})
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"[^"]')  # within a text its quotes are escaped


class Diverged(Exception):
    """The other worker says something else."""


class Said:
    """Follows a stream. `why_not`: why it could not go on elsewhere; "" where it could.

    begun: something has been sent. finished: the finish reason too. counted: the usage too, so that all has been said.
    """

    def __init__(self, call: Call, *, seeded: bool) -> None:
        self.why_not = _why_not(call, seeded)
        self.begun = self.finished = self.counted = False
        self.created: int | None = None
        self.tokens = Tokens()
        self._parts: list[str] = []
        self._several = _several(call)
        self._open: set[object] = set()  # of several choices those that have begun and not finished

    @property
    def text(self) -> str:
        """All of it."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def may_end(self) -> bool:
        """Whether `[DONE]` may come: not before anything else, and not before each choice has said why it ends."""
        return self.begun and self.finished and not self._open

    def note(self, event: bytes) -> None:
        """An event that goes to the client. Raises ValueError, or TypeError, for one that is not of the API's form."""
        if self.why_not or event == sse.DONE:
            self._note_end(event)
            self.begun = True
            return
        chunk = sse.decode(event)
        if not (isinstance(chunk, dict) and sse.is_read(chunk)):
            raise TypeError
        self.begun = True
        self.created = chunk.get("created") if self.created is None else self.created
        choices = chunk.get("choices") or ()
        self.counted = bool(self.finished and not choices and chunk.get("usage"))
        for choice in choices:
            delta = choice.get("delta")
            if delta and any(value for name, value in delta.items() if name not in _TEXT_ONLY):
                self.why_not = "it says more than text"
            self._parts.append(text_of(choice))
            self.finished = self.finished or bool(choice.get("finish_reason"))

    def _note_end(self, event: bytes) -> None:
        """Of a stream that is not followed: whether it has finished, and whether this is the usage after that."""
        if self._several:
            self._note_choices(event)
        elif not self.finished and b'"finish_reason":null' not in event:
            self.finished = _FINISHED.search(event) is not None
        if self.finished and (b'"choices":[]' in event or b'"choices": []' in event):
            self.counted = bool(self.may_end and sse.decode(event).get("usage"))

    def _note_choices(self, event: bytes) -> None:
        for choice in () if event == sse.DONE else sse.decode(event).get("choices") or ():
            if choice.get("finish_reason"):
                self.finished = True
                self._open.discard(choice.get("index"))
            else:
                self._open.add(choice.get("index"))


def _why_not(call: Call, seeded: bool) -> str:
    body = call.body
    several = _several(call)
    if several == "choices":
        return "it has several choices"
    beyond = sorted(body.keys() - _PLAIN)
    if beyond:
        return f"it asks for {beyond[0]}"
    if several:
        return "it has several prompts"
    if body.get("temperature") == 0 or (seeded and body.get("seed") not in (None, -1)):
        return ""
    return "its words are drawn at random"


def _several(call: Call) -> Literal["choices", "prompts"] | None:
    """What makes several texts of it."""
    prompt = call.body.get("prompt")
    if call.body.get("n") not in (None, 1):
        return "choices"
    several = isinstance(prompt, list) and len(prompt) > 1 and not all(type(part) is int for part in prompt)
    return "prompts" if several else None


def text_of(choice: dict[str, Any]) -> str:
    """What a choice of a chunk says."""
    delta = choice.get("delta")
    return str((choice.get("text") if delta is None else delta.get("content")) or "")


class Again:
    """A stream of the whole request: leaves out what was said. Raises Diverged where it says something else.

    left: what of it is to be left out.
    """

    def __init__(self, left: str, *, finished: bool = False) -> None:
        self._left = left
        self._finished = finished
        self._over = False

    def __call__(self, event: bytes) -> bytes | None:
        """The event as it goes out; None where the client has had it."""
        if self._over or event == sse.DONE:
            return self._ended(event)
        chunk = sse.decode(event)
        choices = chunk.get("choices")
        if not choices:
            return self._ended(event)
        choice = choices[0]
        text = text_of(choice)
        if not (text.startswith(self._left) or self._left.startswith(text)):
            raise Diverged
        rest, self._left = text[len(self._left) :], self._left[len(text) :]
        if self._finished or not (rest or choice.get("finish_reason")):
            return None
        if self._left:
            raise Diverged  # it ends before it has said what was said
        self._over = True
        return event if rest == text and "role" not in (choice.get("delta") or ()) else _with_text(chunk, rest)

    def _ended(self, event: bytes) -> bytes:
        if self._left:
            raise Diverged
        return event


class Onward:
    """A stream that continues what was said: leaves out the role, and counts what was said with the rest.

    tokens: how many of those that were said are part of its prompt. left: what was said after them.
    as_chat: it is a completion, and its client has asked for a chat.
    """

    def __init__(self, tokens: int, left: str = "", *, as_chat: bool = False) -> None:
        self._tokens = tokens
        self._again = Again(left)
        self._as_chat = as_chat

    def __call__(self, event: bytes) -> bytes | None:
        """The event as it goes out; None where the client has had it."""
        kept = self._again(event)
        if kept is None or kept == sse.DONE or not (self._as_chat or b'"usage"' in kept):
            return kept
        chunk = sse.decode(kept)
        usage = chunk.get("usage")
        if usage:
            usage["prompt_tokens"] -= self._tokens
            usage["completion_tokens"] += self._tokens
        return sse.encode(_chat(chunk) if self._as_chat else chunk)


def _chat(chunk: dict[str, Any]) -> dict[str, Any]:
    """A completion's chunk as a chat's."""
    choices = []
    for choice in chunk["choices"]:
        others = {name: value for name, value in choice.items() if name not in {"text", "index", "prompt_token_ids"}}
        stop = {} if others.get("finish_reason") else {"stop_reason": None}
        kept = {name: value for name, value in others.items() if name not in stop}
        choices.append({"index": choice["index"], "delta": {"content": choice.get("text") or ""}, **kept})
    return {**chunk, "object": "chat.completion.chunk", "choices": choices}


def _with_text(chunk: dict[str, Any], text: str) -> bytes:
    """The chunk saying this, without a role."""
    choice = chunk["choices"][0]
    if "delta" in choice:
        choice["delta"] = {"content": text}
    else:
        choice["text"] = text
    return sse.encode(chunk)
