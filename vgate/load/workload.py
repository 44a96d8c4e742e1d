"""What the requests say."""

import json
import random
from dataclasses import dataclass
from typing import Any

from vgate.load.seeds import derive

# Common English words: one token each in most tokenizers.
WORDS = (  # noqa: SIM905 -- a literal list would fill three screens
    "time year people way day man thing woman life child world school state family student group country problem hand "
    "part place case week company system program question work number night point home water room mother area money "
    "story fact month lot right study book eye job word business issue side kind head house service friend father "
    "power hour game line end member law car city name team minute idea body back parent face others level office "
    "door health person art war history party result change morning reason research girl guy moment air teacher force "
    "letter model server token batch answer window cache request queue engine memory light paper table number river"
).split()


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Synthetic chats. A request's bytes depend on the seed, the workload's settings and the request's name alone.

    Words are drawn anew for every prompt, from its first word on, so prompts share no prefix beyond the chat template.
    The fields are those of `workload` in the files under `conf/load/`, where they are explained.
    """

    prompt_tokens: int
    output_tokens: int
    stream: bool
    temperature: float
    ignore_eos: bool
    repeat_ratio: float
    repeat_pool: int
    usage_per_chunk: bool

    def prompt(self, seed: int, name: str) -> str:
        """The user's message in request `name`."""
        draw = _generator(seed, f"request:{name}")
        if draw.random() < self.repeat_ratio:
            draw = _generator(seed, f"repeated:{draw.randrange(self.repeat_pool)}")
        return " ".join(draw.choices(WORDS, k=self.prompt_tokens))

    def body(self, seed: int, name: str, model: str) -> bytes:
        """The JSON body of request `name` for /v1/chat/completions."""
        return json.dumps(self._fields(self.prompt(seed, name), model), separators=(",", ":")).encode()

    def _fields(self, prompt: str, model: str) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": self.output_tokens,
            "temperature": self.temperature,
            "stream": self.stream,
        }
        if self.ignore_eos:
            fields["ignore_eos"] = True
        if self.stream:
            fields["stream_options"] = {"include_usage": True}
            if self.usage_per_chunk:
                fields["stream_options"]["continuous_usage_stats"] = True
        return fields


def _generator(seed: int, name: str) -> random.Random:
    return random.Random(derive(seed, name))  # noqa: S311 -- seeded randomness is the point
