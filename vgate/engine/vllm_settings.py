"""V-Gate's model settings as vLLM's arguments and environment. Imports vLLM."""

import dataclasses
import importlib.metadata
import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from vgate.config.errors import nearest, wrong
from vgate.engine.vllm_names import Names
from vgate.tracing.base import Export

# model key -> vLLM's argument, where the names differ.
_RENAMED = {"model_id": "model"}
# Arguments of vLLM's server, not its engine, that its handlers read.
_OF_HANDLERS = frozenset(
    [
        "chat_template",
        "chat_template_content_format",
        "default_chat_template_kwargs",
        "trust_request_chat_template",
        "response_role",
        "exclude_tools_when_tool_choice_none",
        "tool_strict_level",
        "lora_modules",
        "return_tokens_as_token_ids",
        "enable_prompt_tokens_details",
        "enable_per_request_metrics",
        "trust_request_mm_kwargs",
    ]
)
# What was set here, and not by the user: each engine of a process has its own.
_SET_HERE: dict[str, str] = {}


def prepare_environment(cpu: Mapping[str, int], export: Export | None = None) -> None:
    """On a CPU build, set what keeps vLLM from spinning two processes against each other on few cores.

    Also how vLLM exports its spans, for which it has no arguments but the endpoint. Must run before vLLM is imported,
    and before each engine process. What the user's environment says is left alone.
    """
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    if export is not None:
        headers = ",".join(f"{quote(name)}={quote(value)}" for name, value in export.headers.items())
        os.environ.setdefault("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", export.protocol)
        os.environ.setdefault("OTEL_EXPORTER_OTLP_TRACES_HEADERS", headers)
        os.environ.setdefault("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", f"{export.timeout_s:g}")
        os.environ.setdefault("OTEL_SERVICE_NAME", export.service_name)
    if not is_cpu_build():
        return
    settings = {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": str(cpu["kvcache_gib"]),
        "OMP_NUM_THREADS": str(cpu["threads"]),
    }
    for name, value in settings.items():
        if os.environ.get(name) == _SET_HERE.get(name):
            os.environ[name] = _SET_HERE[name] = value


def is_cpu_build() -> bool:
    """Whether the installed vLLM is the CPU build."""
    names = {dist.metadata["Name"].lower() for dist in importlib.metadata.distributions() if dist.metadata["Name"]}
    return "vllm-cpu" in names or ("vllm" in names and "cpu" in importlib.metadata.version("vllm"))


def flush_spans(args: Namespace) -> None:
    """Have vLLM's last spans exported, if it has any, as far as that takes less than two seconds."""
    if args.otlp_traces_endpoint:
        from vgate.tracing.otlp import flush_engine

        flush_engine(2.0)


def serve_args(
    model: Mapping[str, Any], extra_args: Mapping[str, Any], names: Names, export: Export | None = None
) -> Namespace:
    """The namespace that `vllm serve` would have parsed. Raises ConfigError for arguments that vLLM does not know."""
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    args = make_arg_parser(FlexibleArgumentParser()).parse_args([])
    named = {_RENAMED.get(key, key): value for key, value in model.items() if value is not None}
    if "served_model_name" in named:
        named["served_model_name"] = [named["served_model_name"]]
    if "tool_call_parser" in named:
        named["enable_auto_tool_choice"] = True
    if is_cpu_build():
        named.setdefault("distributed_executor_backend", "uni")
    _check_extra(extra_args, _engine_arguments() | _OF_HANDLERS, set(named), names)
    if export is not None:
        named["otlp_traces_endpoint"] = export.endpoint
        if extra_args.get("disable_log_stats"):
            key = names.extra_arg("disable_log_stats")
            raise wrong(key, True, names.extra_args, "vLLM's spans are made of these statistics; tracing=none has none")
    extra = dict(extra_args)
    args.structured_outputs_config = _one_backend(extra.pop("structured_outputs_config", None), names)
    vars(args).update(named | extra)
    return cast("Namespace", args)


def _one_backend(given: Any, names: Names) -> Any:
    """What vLLM is told of structured outputs: xgrammar, its own first choice, unless another backend is asked for.

    Its `auto` chooses by request, yet an engine has only the backend of its first such request: one that was checked
    with another then fails inside the engine, with 500 for what should be 400. Raises ConfigError.
    """
    from vllm.config import StructuredOutputsConfig

    if given is not None and not isinstance(given, Mapping):
        raise wrong(names.extra_arg("structured_outputs_config"), given, names.extra_args, "must be a mapping")
    try:
        return StructuredOutputsConfig(**({"backend": "xgrammar"} | dict(given or {})))
    except ValueError as error:
        fault = " ".join(str(error).split()).partition(" For further information")[0]
        raise wrong(names.extra_arg("structured_outputs_config"), dict(given or {}), names.extra_args, fault) from None


def _engine_arguments() -> set[str]:
    from vllm.engine.arg_utils import AsyncEngineArgs

    return {field.name for field in dataclasses.fields(AsyncEngineArgs)}


def _check_extra(extra_args: Mapping[str, Any], known: set[str], named: set[str], names: Names) -> None:
    for name, value in extra_args.items():
        key = names.extra_arg(name)
        if name == "model" or (name in named and name != "distributed_executor_backend"):
            raise wrong(key, value, names.extra_args, f"has a key of its own, {names.key_of(name)}")
        if name not in known:
            hint = nearest(name, known, names.extra_args)
            raise wrong(
                key,
                value,
                names.extra_args,
                f"unknown key{hint}; allowed: vLLM's engine arguments by their Python names",
            )
