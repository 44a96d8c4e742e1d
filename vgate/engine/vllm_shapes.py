"""How vLLM's whole answers look. Imports vLLM."""

from argparse import Namespace
from typing import Any

from pydantic import BaseModel
from vllm.entrypoints.openai.chat_completion.protocol import (
    ChatCompletionResponse,
    ChatCompletionResponseChoice,
    ChatMessage,
)
from vllm.entrypoints.openai.completion.protocol import CompletionResponse, CompletionResponseChoice
from vllm.entrypoints.serve.engine.protocol import UsageInfo

from vgate.forms import Shape

# Readers of tool calls with which streamed and whole answers were compared, for requests without tools.
_COMPARED = (None, "hermes")


def shapes(args: Namespace) -> dict[str, Shape]:
    """By endpoint: all fields, in vLLM's order. None with parsers that were not compared."""
    if args.tool_call_parser not in _COMPARED or args.reasoning_parser:
        return {}
    # Left out by vLLM where there are none.
    message = {name: value for name, value in _blank(ChatMessage).items() if name != "tool_calls"}
    usage = _blank(UsageInfo)
    return {
        "chat": Shape(_blank(ChatCompletionResponse), _blank(ChatCompletionResponseChoice), message, usage),
        "completions": Shape(_blank(CompletionResponse), _blank(CompletionResponseChoice), {}, usage),
    }


def _blank(model: type[BaseModel]) -> dict[str, Any]:
    return {name: None if field.is_required() else field.default for name, field in model.model_fields.items()}
