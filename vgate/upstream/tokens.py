"""The tokens of a stream, so that another vLLM can go on from exactly there.

A text has many spellings in tokens, and a model goes on otherwise after another one. So vLLM is asked for the tokens of
prompt and answer beside the text (`return_token_ids`), which are taken out before the client sees them. Another vLLM
that is given them has read what the first one had written, and says what comes next.
"""

import re

from vgate import sse
from vgate.workers.worker import Worker

_IDS = re.compile(rb'"(prompt_token_ids|token_ids)":\[([\d,]*)\]')
# Bytes of a prompt's tokens that are kept for a stream; a longer one is said again if it has to be.
_MOST = 65536


def tells(worker: Worker, model: str | None) -> bool:
    """Whether it is a vLLM: what its card says who owns the model."""
    return any(card.get("owned_by") == "vllm" for card in worker.told or () if model in {None, card.get("id")})


class Tokens:
    """Collects tokens, and takes them out of the events.

    known:  how many tokens are known to be behind the first `length` characters: up to a chunk of one token with text,
            when nothing of a character or of a stop string was held back.
    """

    def __init__(self) -> None:
        self.prompt = ""
        self.known = 0
        self.length = 0
        self._ids: list[str] = []
        self._count = self._said = 0
        self._broken = False

    @property
    def usable(self) -> bool:
        """Whether there is something to go on from."""
        return bool(self.prompt and self.known) and not self._broken

    def ids(self) -> list[int]:
        """Prompt, and answer as far as it is known."""
        answer = ",".join(self._ids).split(",")[: self.known]
        return [int(token) for token in [*self.prompt.split(","), *answer]]

    def rewind(self) -> None:
        """What comes next follows what is known."""
        self._ids = [",".join(",".join(self._ids).split(",")[: self.known])]
        self._count, self._said = self.known, self.length

    def take(self, event: bytes) -> bytes:
        """The event without its tokens, as vLLM writes it when nobody asks for them."""
        if b'token_ids":[' not in event:
            self._broken = self._broken or b'"finish_reason":null' in event
            return event
        count = 0
        for name, found in _IDS.findall(event):
            if name == b"token_ids":
                count = found.count(b",") + bool(found)
                self._keep(found.decode(), count)
            elif not self.prompt and len(found) <= _MOST:
                self.prompt = found.decode()
        event = _IDS.sub(rb'"\1":null', event)
        self._mark(event, count)
        return event

    def _keep(self, found: str, count: int) -> None:
        if found:
            self._ids.append(found)
            self._count += count

    def _mark(self, event: bytes, count: int) -> None:
        for choice in sse.decode(event).get("choices") or ():
            delta = choice.get("delta")
            text = (choice.get("text") if delta is None else delta.get("content")) or ""
            self._said += len(text)
            if count == 1 and text:
                self.known, self.length = self._count, self._said
