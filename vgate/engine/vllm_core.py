"""A loaded vLLM: AsyncLLM, its OpenAI handlers, and one call from check to answer. Imports vLLM."""

import asyncio
import contextlib
import hashlib
import logging
import threading
from argparse import Namespace
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgate.config import ConfigError
from vgate.engine import vllm_errors, vllm_settings
from vgate.engine.vllm_names import Names
from vgate.errors import BadRequest, EngineStartError, NotReady
from vgate.forms import Shape
from vgate.tracing.base import Export
from vgate.types import Call, Capacity, Job, Occupancy

if TYPE_CHECKING:
    from vgate.engine.vllm_stats import Watch

logger = logging.getLogger(__name__)

_ERROR = 'data: {"error"'
# One engine at a time reads the environment of the process.
_LOADING = threading.Lock()


def load(
    model: Mapping[str, Any], cpu: Mapping[str, int], extra_args: Mapping[str, Any], names: Names, export: Export | None
) -> "VllmCore":
    """Import vLLM and load the model; blocks. Raises EngineStartError, or ConfigError for unknown arguments."""
    with _LOADING:
        vllm_settings.prepare_environment(cpu, export)
        return _load(vllm_settings.serve_args(model, extra_args, names, export), names)


def _load(args: Namespace, names: Names) -> "VllmCore":
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    from vgate.engine.vllm_kernels import check_backend
    from vgate.engine.vllm_stats import Watch

    watch = Watch()
    try:
        config = AsyncEngineArgs.from_cli_args(args).create_engine_config()
        check_backend(names.key_of("linear_backend"), args.linear_backend, config.model_config.quantization)
        loggers = None if args.disable_log_stats else watch.loggers  # any logger would have statistics kept
        llm = AsyncLLM.from_vllm_config(config, stat_loggers=loggers, disable_log_stats=args.disable_log_stats)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  vLLM raises of all kinds; the cause is told
        raise EngineStartError(_where(args.model, names) + _cause(error)) from None
    return VllmCore(llm, args, watch)


def _where(model: str, names: Names) -> str:
    """A missing folder is taken for a name on the model hub: say so before whatever that led to."""
    if Path(model).is_dir():
        return ""
    return f"{names.key_of('model')} = {model!r} is not a folder here, nor loaded from the model hub: "


def _cause(error: BaseException) -> str:
    """The message on one line; pydantic's preamble left out."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = next((line for line in lines if "Value error, " in line), lines[0] if lines else type(error).__name__)
    return text.removeprefix("Value error, ").partition(" [type=")[0]


class VllmCore:
    """Handlers and identity of one loaded model."""

    def __init__(self, llm: Any, args: Namespace, watch: "Watch") -> None:
        self._llm = llm
        self._args = args
        self._watch = watch
        self._handlers: dict[str, Any] = {}
        self.sampling_defaults: dict[str, Any] = {}
        self.model_cards: list[dict[str, Any]] = []
        self.fingerprint = ""
        self.capacity = Capacity()
        self.shapes: Mapping[str, Shape] = {}
        self.facts: dict[str, Any] = {}

    async def start(self) -> None:
        """Build vLLM's handlers the way its own server does."""
        from starlette.datastructures import State
        from vllm.entrypoints.launchers.api_server.app_state import init_app_state

        from vgate.engine.vllm_shapes import shapes

        state = State()
        try:
            tasks = await self._llm.get_supported_tasks()
            await init_app_state(self._llm, state, self._args, tasks)
        except Exception as error:  # noqa: BLE001  vLLM raises of all kinds; the cause is told
            raise EngineStartError(_cause(error)) from None
        self._handlers = _handlers(state)
        self._follow()
        generating = self._handlers.get("chat")
        self.sampling_defaults = dict(generating.default_sampling_params) if generating else {}
        cards = await state.openai_serving_models.show_available_models()
        self.model_cards = [card.model_dump() for card in cards.data]
        self.fingerprint = self._identify()
        self.capacity = self._room()
        self.shapes = shapes(self._args)
        self.facts = {
            "max_model_len": self._llm.model_config.max_model_len,
            "quantization": self._llm.model_config.quantization,
        }

    def _follow(self) -> None:
        from vgate.engine.vllm_stats import Followed

        # Built by vLLM with its own arguments; ours adds methods only.
        self._llm.output_processor.__class__ = Followed
        self._llm.output_processor.follow_calls()

    def _room(self) -> Capacity:
        config = self._llm.vllm_config
        blocks = config.cache_config.num_gpu_blocks
        tokens = blocks * config.cache_config.block_size if blocks else None
        return Capacity(config.scheduler_config.max_num_seqs, tokens)

    def _identify(self) -> str:
        import vllm

        config = self._llm.model_config
        tokenizer = self._llm.renderer.tokenizer
        identity = [
            (vllm.__version__, config.model, config.revision, config.hf_config.to_json_string(), config.max_model_len),
            (config.quantization, str(config.dtype), self._args.kv_cache_dtype, str(config.pooler_config)),
            (self._args.chat_template, getattr(tokenizer, "chat_template", None), self._args.tool_call_parser),
            sorted(self.sampling_defaults.items()),
        ]
        return hashlib.sha256(repr(identity).encode()).hexdigest()

    @property
    def embedder(self) -> Any:
        """The handler of embeddings; None where the model generates."""
        return self._handlers.get("embeddings")

    @property
    def vocabulary(self) -> int:
        """How many tokens the model knows."""
        return int(self._llm.model_config.get_vocab_size())

    @property
    def occupancy(self) -> Occupancy:
        """What is in the engine, as of its last step."""
        return self._watch.occupancy

    @property
    def alive(self) -> bool:
        """Whether the engine process has not failed."""
        return bool(self._handlers) and not self._llm.errored

    async def ping(self) -> None:
        """Ask the engine process something that it answers between two steps."""
        await self._llm.is_sleeping()

    async def stop(self) -> None:
        """End the engine process, if it has not ended itself, and close what leads there. Open requests end with it."""
        self._lose_requests()
        await asyncio.to_thread(self.end)

    def _lose_requests(self) -> None:
        """VLLM tells them of a death that it sees, and forgets them when it is shut down."""
        from vllm.v1.engine.exceptions import EngineDeadError

        self._llm.engine_core.resources.engine_dead = True
        self._llm.output_processor.propagate_error(EngineDeadError())

    def end(self) -> None:
        """As `stop`; blocks."""
        self._llm.shutdown()
        vllm_settings.flush_spans(self._args)
        # Its __del__ shuts down again, at exit in an interpreter that is half gone.
        self._llm.shutdown = lambda *_args, **_kwargs: None

    async def reset(self) -> None:
        """Empty the prefix cache. Raises NotReady while requests run, whose blocks cannot be taken."""
        if not await self._llm.reset_prefix_cache():
            raise NotReady("Requests are running, so the prefix cache cannot be emptied.", retry_after_s=1)

    async def prepare(self, call: Call) -> Job:
        """Parse, render and check; nothing is generated."""
        from vgate.engine import vllm_requests as requests

        handler = self._handlers.get(call.endpoint)
        if handler is None:
            message = f"The model {self._args.model} does not serve {call.endpoint}."
            raise BadRequest(message, "model", "unsupported_endpoint")
        shape: Any = requests.ChatRequest if call.endpoint == "chat" else requests.TextRequest
        with self.api_errors():
            request = requests.read(shape, call.body)
        request.request_id = call.id
        if request.priority and self._args.scheduling_policy != "priority":
            why = "this engine schedules first come, first served (engine.extra_args.scheduling_policy)"
            raise BadRequest(f"priority must be 0: {why}", "priority")
        if request.stream:
            requests.count_usage(request)
        with self.api_errors():
            size = vllm_errors.unless_error(await handler.check(request))
        return Job(call, size.prompt_tokens, request, size.max_tokens)

    async def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        """Generate. Closing the generator aborts the request in the engine."""
        from vgate.engine.vllm_requests import body_of, traced

        handler = self._handlers[job.call.endpoint]
        method = {"chat": "create_chat_completion", "completions": "create_completion"}
        with self._llm.output_processor.following(job):
            with self.api_errors():
                make = getattr(handler, method[job.call.endpoint])
                answer = vllm_errors.unless_error(await make(job.payload, traced(job.call, self._args)))
            if not job.call.stream:
                yield body_of(answer)
                return
            async with contextlib.aclosing(answer):
                async for event in answer:
                    if event.startswith(_ERROR) and not self.alive:
                        raise vllm_errors.died()
                    yield event.encode()

    def api_errors(self) -> contextlib.AbstractContextManager[None]:
        """VLLM's exceptions as ApiError."""
        return vllm_errors.translated(lambda: self.alive)


def _handlers(state: Any) -> dict[str, Any]:
    """VLLM's handlers for our endpoints, those that render made to do it once."""
    from vgate.engine.vllm_embed import Embed
    from vgate.engine.vllm_requests import Chat, Text

    found = {
        "chat": getattr(state, "openai_serving_chat", None),
        "completions": getattr(state, "openai_serving_completion", None),
        "embeddings": getattr(state, "serving_embedding", None),
    }
    for name, ours in (("chat", Chat), ("completions", Text), ("embeddings", Embed)):
        if found[name] is not None:
            # Built by vLLM with its own arguments; ours adds methods only.
            found[name].__class__ = ours
    return {name: handler for name, handler in found.items() if handler is not None}
