"""Wrong settings: one line with the key, its value, where it came from, what is allowed, and the nearest right name."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.config.composing import serve, written, wrong
from vgate.config import compose

BATCHES = "adaptive, lockstep, passthrough, time_window, token_budget"
PRESETS = "classic, cpu, dry_run, prod, ray"
GROUPS = (
    "admin, batch, cache, dedup, embedding, engine, limits, logging, model, queue, ray, routing, security, server, "
    "tracing, version"
)

ON_THE_COMMAND_LINE = {
    "batch=lockstp": f"batch = 'lockstp' {{}}: unknown option, did you mean batch=lockstep?; allowed: {BATCHES}",
    "batch=null": f"batch = 'null' {{}}: unknown option; allowed: {BATCHES}",
    "+preset=prd": f"preset = 'prd' {{}}: unknown option, did you mean preset=prod?; allowed: {PRESETS}",
    "bacth=lockstep": f"bacth = 'lockstep' {{}}: unknown key, did you mean batch?; allowed: {GROUPS}",
    "foo.bar=1": f"foo = {{{{'bar': 1}}}} {{}}: unknown key; allowed: {GROUPS}",
    "batch.max_batch_sze=3": (
        "batch.max_batch_sze = 3 {}: unknown key, did you mean batch.max_batch_size?; "
        "allowed: max_batch_size, max_wait_time_ms"
    ),
    "batch.max_batch_size=0": "batch.max_batch_size = 0 {}: must be greater than or equal to 1",
    "batch.max_batch_size=eight": "batch.max_batch_size = 'eight' {}: must be a valid integer",
    "batch.max_batch_size=true": "batch.max_batch_size = True {}: must be a valid integer",
    "batch.max_batch_size=": "batch.max_batch_size = '' {}: must be a valid integer",
    "batch.max_batch_size={a: 1}": "batch.max_batch_size = {{'a': 1}} {}: must be a valid integer",
    "batch.max_wait_time_ms=-1": "batch.max_wait_time_ms = -1 {}: must be greater than or equal to 0",
    "batch.max_wait_time_ms=nan": "batch.max_wait_time_ms = nan {}: must be a finite number",
    "queue.max_running=engin": "queue.max_running = 'engin' {}: must be a valid integer or 'engine'",
    "queue.max_running=0": "queue.max_running = 0 {}: must be greater than or equal to 1 or 'engine'",
    "queue.max_running={a: 1}": "queue.max_running = {{'a': 1}} {}: must be a valid integer or 'engine'",
    "queue._target_=os.system": (
        "queue._target_ = 'os.system' {}: must be one of "
        "'vgate.queue.fifo.Fifo', 'vgate.queue.priority.Priority', 'vgate.queue.fair.Fair'"
    ),
    "cache.maxsize=1.5": "cache.maxsize = 1.5 {}: must be a valid integer",
    "cache.scope=me": "cache.scope = 'me' {}: must be 'key' or 'shared'",
    "server.port=70000": "server.port = 70000 {}: must be less than or equal to 65535",
    "logging.level=LOUD": "logging.level = 'LOUD' {}: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
    "model.model_id=null": "model.model_id = None {}: must be a valid string",
    "engine.restart.max_attempts=-1": "engine.restart.max_attempts = -1 {}: must be greater than or equal to 0",
    "version=0.3": "version = 0.3 {}: must be a valid string",
    "batch.max_batch_size=1,4": (
        "batch.max_batch_size = '1,4' {}: a sweep of several values needs `python -m vgate.bench -m`"
    ),
    "~cache": "~cache = '~cache' {}: keys cannot be removed; set a value instead",
    "batch@x=lockstep": "batch@x = 'lockstep' {}: `@` has no meaning here",
    "batch.max_batch_size=[1": (
        "batch.max_batch_size = '[1' {}: cannot be read; "
        "a value with , : {{ }} [ ] or quotes in it needs quotes around it"
    ),
    "load=poisson": (
        "load = 'poisson' {}: unknown key; "
        "allowed: admin, batch, cache, dedup, embedding, engine, limits, logging, "
        "model, preset, queue, ray, routing, security, server, tracing"
    ),
}
TOGETHER = {
    "embedding=upstream": "embedding = 'upstream' {}: asks the workers of engine=upstream",
    "engine=none": "engine = 'none' {}: and so is embedding: the server would serve nothing",
    "embedding=dry_run embedding.served_model_name=tiny": (
        "embedding.served_model_name = 'tiny' {}: is the chat model's name too; clients could not tell them apart"
    ),
}
IN_A_FILE = {
    "batch: 5": f"batch = 5 (from {{}}): unknown option; allowed: {BATCHES}",
    "batch: {max_batch_sz: 3}": (
        "batch.max_batch_sz = 3 (from {}): unknown key, did you mean batch.max_batch_size?; "
        "allowed: max_batch_size, max_wait_time_ms"
    ),
    "batch: {max_batch_size: {}}": "batch.max_batch_size = {{}} (from {}): must be a valid integer",
    "cachs: {maxsize: 3}": (
        f"cachs = {{{{'maxsize': 3}}}} (from {{}}): unknown key, did you mean cache?; allowed: {GROUPS}"
    ),
    "- batch": "VGATE_CONFIG_PATH = '{}' (from environment): must hold sections such as `batch:` with keys below",
    "batch: [": (
        "VGATE_CONFIG_PATH = '{}' (from environment): is not YAML: "
        "expected the node content, but found '<stream end>' in line 1, column 9"
    ),
}


@pytest.mark.parametrize("override", ON_THE_COMMAND_LINE)
def test_on_the_command_line(override: str) -> None:
    assert wrong(override) == ON_THE_COMMAND_LINE[override].format("(from the command line)")


@pytest.mark.parametrize("text", IN_A_FILE)
def test_in_a_file(tmp_path: Path, text: str) -> None:
    environ = written(tmp_path, text)
    assert wrong(**environ) == IN_A_FILE[text].format(environ["VGATE_CONFIG_PATH"])


@pytest.mark.parametrize(("path", "why"), [("/no/such/file", "No such file"), ("/", "Is a directory")])
def test_a_file_that_cannot_be_read(path: str, why: str) -> None:
    line = wrong(VGATE_CONFIG_PATH=path)
    assert line.startswith(f"VGATE_CONFIG_PATH = '{path}' (from environment): cannot be read: ")
    assert why in line


def test_what_is_no_setting_at_all() -> None:
    assert wrong("lockstep") == "'lockstep' (from the command line): not key=value"


def test_of_several_mistakes_the_first_is_told_and_the_rest_counted() -> None:
    assert wrong("batch.max_batch_size=0", "server.port=-1").endswith("(and 1 more)")


@pytest.mark.parametrize("overrides", TOGETHER)
def test_what_sections_may_not_say_together(overrides: str) -> None:
    assert wrong(*overrides.split()) == TOGETHER[overrides].format("(from the command line)")


def test_the_bench_needs_chat() -> None:
    line = wrong("engine=none", "embedding=dry_run", program="bench")
    assert line == "engine = 'none' (from the command line): the bench measures chat; choose an engine that serves it"


@pytest.mark.parametrize("program", ["bench", "capacity", "search"])
def test_whole_answers_cannot_be_held_to_targets_on_their_tokens(program: str) -> None:
    line = wrong("workload.stream=false", "slo.tpot_ms=null", program=program)
    assert line == (
        "workload.stream = False (from the command line): whole answers have no TTFT and no TPOT to hold against"
        " slo.ttft_ms = 500; must be true, or both must be null (slo=none; slo.e2e_ms may be set)"
    )
    assert "slo.ttft_ms = 500 and slo.tpot_ms = 50;" in wrong("workload.stream=false", program=program)


def test_whole_answers_can_be_held_to_their_end() -> None:
    assert not compose("bench", ["workload.stream=false", "slo=none", "slo.e2e_ms=900"], {}).settings.workload.stream


def test_keys_need_keys() -> None:
    assert wrong("security=keys").startswith("security.api_keys = [] (from the command line): ")


def test_a_class_that_is_none_of_ours_is_refused() -> None:
    assert "os.system" in wrong("engine._target_=os.system")


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("trial.sede=3", "did you mean trial.seed?"),
        ("trail.seed=3", "did you mean trial?"),
        ("workload.prompt_tokns=3", "did you mean workload.prompt_tokens?"),
        ("load.user=3", "did you mean load.users?; allowed: users"),
        ("load.workload.prompt_tokens=3", "is now workload.prompt_tokens"),
        ("slo.ttft=3", "did you mean slo.ttft_ms?"),
        ("batch.max_batch_sze=3", "did you mean batch.max_batch_size?"),
    ],
)
def test_in_the_sections_of_a_bench(override: str, hint: str) -> None:
    assert hint in wrong(override, program="bench")


def test_in_the_parts_of_a_section() -> None:
    keyed = ["security=keys", "security.api_keys=[{key: a, name: a}]"]
    line = wrong(*keyed, "security.rate_limiting.enabledd=true")
    assert "did you mean security.rate_limiting.enabled?; allowed: default_limit, enabled, tokens_per_byte, " in line
    line = wrong("security=keys", "security.api_keys=[{key: a, name: a, nme: b}]")
    assert "did you mean security.api_keys.0.name?; allowed: cache_scope, concurrency, hash, key, key_env, " in line


def test_values_may_refer_to_each_other() -> None:
    assert serve("model.served_model_name=${server.host}").container["model"]["served_model_name"] == "127.0.0.1"
    assert "nope" in wrong("model.model_id=${nope}")


def test_the_program_ends_with_code_2_and_this_one_line() -> None:
    command = [sys.executable, "-m", "vgate.serve", "batch.max_batch_sze=3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"vgate: {wrong('batch.max_batch_sze=3')}\n"


def test_rates_of_faults_that_are_more_than_all_are_told_with_their_sum() -> None:
    line = wrong("+preset=dry_run", "engine.faults.hang=0.7", "engine.faults.drop=0.5")
    assert line.startswith("engine.faults = {")
    assert line.endswith(
        "(from the command line): the rates must be at most 1 together, and are hang 0.7 + drop 0.5 = 1.2"
    )
    line = wrong("+preset=dry_run", "engine.faults.hang=1.5")
    assert line == "engine.faults.hang = 1.5 (from the command line): must be less than or equal to 1"
