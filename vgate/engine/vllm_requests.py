"""vLLM's OpenAI handlers in two steps: check and tokenize first, generate when admitted. Imports vLLM.

vLLM's handlers render (template, tokenize, check lengths) and generate in one go. Here a request is rendered before it
waits for admission, so that a bad one is refused at once; the handler then finds the rendered prompt on the request.
"""

import inspect
import types
import typing
from argparse import Namespace
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, PrivateAttr, TypeAdapter, ValidationError
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest, StreamOptions
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.completion.serving import OpenAIServingCompletion
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.utils.api_utils import get_max_tokens

from vgate.engine.fields import refuse_unknown, refuse_unsupported
from vgate.errors import BadRequest
from vgate.types import Call

_ELSEWHERE = "vLLM reads it on other routes only"
_UNSUPPORTED = {
    "request_id": "send the header X-Request-Id",
    "return_token_offsets": _ELSEWHERE,
    "mm_payload": _ELSEWHERE,
    "return_mm_kwargs": _ELSEWHERE,
}
# What vLLM's own validators stumble with over a field whose form they take for granted.
_MISREAD = (AttributeError, TypeError, LookupError)
_SCALARS = (bool, int, float, str, type(None))


class Size(NamedTuple):
    """Tokens of a request's prompts, and the most that may be generated for them."""

    prompt_tokens: int
    max_tokens: int


class ChatRequest(ChatCompletionRequest):
    """vLLM's chat request, carrying its rendered prompt and the sampling parameters it was checked with."""

    _rendered: Any = PrivateAttr(default=None)
    _sampling: Any = PrivateAttr(default=None)

    def to_sampling_params(self, max_tokens: int, default_sampling_params: dict[str, Any]) -> Any:
        """Made by the check, used by the handler."""
        if self._sampling is None:
            self._sampling = super().to_sampling_params(max_tokens, default_sampling_params)
        return self._sampling


class TextRequest(CompletionRequest):
    """vLLM's completion request, carrying its rendered prompts. Each prompt has its own sampling parameters."""

    _rendered: Any = PrivateAttr(default=None)


class Chat(OpenAIServingChat):
    """Renders once: a request that has been rendered is not rendered again."""

    async def render_chat_request(self, request: ChatCompletionRequest) -> Any:
        rendered = getattr(request, "_rendered", None)
        return rendered if rendered is not None else await super().render_chat_request(request)

    async def check(self, request: ChatRequest) -> Size | ErrorResponse:
        """Render, and make the sampling parameters once to see that they are valid."""
        request._rendered = rendered = await super().render_chat_request(request)
        if isinstance(rendered, ErrorResponse):
            return rendered
        wanted = request.max_completion_tokens if request.max_completion_tokens is not None else request.max_tokens
        return _total(_check_sampling(self, request, prompt, wanted) for prompt in rendered[1])


class Text(OpenAIServingCompletion):
    """Renders once: a request that has been rendered is not rendered again."""

    async def render_completion_request(self, request: CompletionRequest) -> Any:
        rendered = getattr(request, "_rendered", None)
        return rendered if rendered is not None else await super().render_completion_request(request)

    async def check(self, request: TextRequest) -> Size | ErrorResponse:
        """Render, and make the sampling parameters once to see that they are valid."""
        request._rendered = rendered = await super().render_completion_request(request)
        if isinstance(rendered, ErrorResponse):
            return rendered
        return _total(_check_sampling(self, request, prompt, request.max_tokens) for prompt in rendered)


def _total(sizes: Iterable[Size]) -> Size:
    sizes = list(sizes)
    return Size(sum(size.prompt_tokens for size in sizes), sum(size.max_tokens for size in sizes))


def _check_sampling(handler: Any, request: Any, prompt: Any, wanted: int | None) -> Size:
    tokens: int = handler._extract_prompt_len(prompt)
    limits = (
        handler.model_config.max_model_len,
        wanted,
        tokens,
        handler.default_sampling_params,
        handler.override_max_tokens,
    )
    most = get_max_tokens(*limits, truncate_prompt_tokens=request.truncate_prompt_tokens)
    make = request.to_beam_search_params if request.use_beam_search else request.to_sampling_params
    make(most, handler.default_sampling_params)
    return Size(tokens, most * (request.n or 1))


def read(model: type[BaseModel], body: dict[str, Any]) -> Any:
    """The body as vLLM's request. BadRequest for unknown fields, wrong types, and fields without effect here."""
    refuse_unsupported(body, _UNSUPPORTED)
    refuse_unknown(body, _names(model))
    _check_scalars(model, body)
    messages = body.get("messages")
    if isinstance(messages, list):
        # vLLM's validators change messages in place.
        body = {**body, "messages": [dict(m) if isinstance(m, dict) else m for m in messages]}
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _bad_field(error) from None
    except _MISREAD:
        name = _misread(model, body)
        raise BadRequest(f"{name}: of a form that is not understood, got {str(body.get(name))[:80]}", name) from None


def _misread(model: type[BaseModel], body: dict[str, Any]) -> str:
    """The field without which the rest is understood."""
    for name in body:
        try:
            model.model_validate({key: value for key, value in body.items() if key != name})
        except ValidationError:
            return name  # what else is wrong, or lacks now, is understood
        except _MISREAD:
            continue
        return name
    return "body"


@cache
def _names(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for field, info in model.model_fields.items() for name in (field, info.alias) if name)


def _check_scalars(model: type[BaseModel], body: dict[str, Any]) -> None:
    """A wrong type is an error here, where vLLM itself would take "3" for 3 and true for 1."""
    adapters = _scalars(model)
    for name in body.keys() & adapters.keys():
        try:
            adapters[name].validate_python(body[name], strict=True)
        except ValidationError as error:
            raise _bad_field(error, name) from None


@cache
def _scalars(model: type[BaseModel]) -> dict[str, TypeAdapter[Any]]:
    """A strict check for each field that holds numbers, text or booleans only."""
    fields = {name: info.annotation for name, info in model.model_fields.items()}
    return {name: TypeAdapter(kind) for name, kind in fields.items() if kind is not None and _is_scalar(kind)}


def _is_scalar(annotation: Any) -> bool:
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    members = typing.get_args(annotation) if is_union else (annotation,)
    return all(inspect.isclass(member) and member in _SCALARS for member in members)


def _bad_field(error: ValidationError, name: str | None = None) -> BadRequest:
    first = error.errors(include_url=False)[0]
    path = [name] if name else [str(part) for part in first["loc"]]
    message = first["msg"].removeprefix("Value error, ")
    got = f", got {str(first['input'])[:80]!r}" if path else ""
    return BadRequest(f"{'.'.join(path)}: {message}{got}" if path else message, path[0] if path else None)


def body_of(response: Any) -> bytes:
    """A handler's whole answer as JSON."""
    if isinstance(response, Response):
        return bytes(response.body)
    return bytes(response.model_dump_json(), "utf-8")


def traced(call: Call, args: Namespace) -> Request | None:
    """The HTTP request from whose headers vLLM reads of which trace a call is part, and nothing else."""
    if not call.trace or not args.otlp_traces_endpoint:
        return None
    return Request({"type": "http", "headers": [(name.encode(), value.encode()) for name, value in call.trace.items()]})


def count_usage(request: Any) -> None:
    """Have the stream end with usage, whether the client asked for it or not."""
    options = request.stream_options
    # vLLM gives the second only with the first.
    continuous = bool(options and options.include_usage and options.continuous_usage_stats)
    request.stream_options = StreamOptions(include_usage=True, continuous_usage_stats=continuous)
