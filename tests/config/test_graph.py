"""One hash for one set of components, wherever the settings came from."""

from pathlib import Path

import pytest
import yaml

from vgate.config import compose, from_resolved, get_config
from vgate.config.graph import graph_hash

KEYS = "security.api_keys=[{key: %s, name: a}]"


def of(*overrides: str) -> str:
    return graph_hash(compose("serve", list(overrides), {}).settings)


def test_a_bench_and_a_server_of_the_same_settings_agree() -> None:
    bench = compose("bench", ["+preset=dry_run", "batch=lockstep"], {}).settings
    assert graph_hash(bench) == of("+preset=dry_run", "batch=lockstep")


def test_where_it_listens_does_not_count() -> None:
    assert of("server.port=1", "server.host=0.0.0.0") == of("server.port=2")
    assert of("admin=http", "admin.token=0123456789-abcdef") == of()


def test_under_which_names_answers_lie_in_a_shared_store_does_not_count() -> None:
    assert of("cache=redis", "cache.prefix='a:'") == of("cache=redis") != of("cache=redis", "cache.ttl_s=7")


def upstream(workers: str, *more: str) -> str:
    return of("engine=upstream", f"engine.workers=[{workers}]", *more)


def test_where_workers_are_does_not_count_but_how_many_and_what_each_may_be_given() -> None:
    here = upstream("http://a:8000, {url: http://b:8000, key: sk-one}")
    assert here == upstream("{url: http://c, name: big}, {url: http://d/base, key_env: HOME}", "server.port=1")
    for other in (
        "http://a",
        "http://a, http://b",
        "{url: http://a, weight: 2}, {url: http://b, key: sk-one}",
        "{url: http://a, max_concurrency: 8}, {url: http://b, key: sk-one}",
        "{url: http://a, models: [m]}, {url: http://b, key: sk-one}",
    ):
        assert upstream(other) != here
    assert upstream("http://a", "engine.retry.share=0.05") != upstream("http://a")


def test_which_name_or_file_lists_the_workers_does_not_count_but_that_one_does(tmp_path: Path) -> None:
    names = [of("engine=upstream", f"engine.workers_dns={name}") for name in ("a:1", "workers.default:8000")]
    files = [tmp_path / name for name in ("a.yaml", "b.yaml")]
    for path in files:
        path.write_text(f"[http://{path.stem}]")
    listed = [of("engine=upstream", f"engine.workers_file={path}") for path in files]
    assert len(set(names)) == len(set(listed)) == 1
    assert len({*names, *listed, upstream("http://a")}) == 3
    assert of("engine=upstream", "engine.workers_dns=a:1", "engine.dns.weight=2") not in names


def test_the_way_through_a_file_changes_nothing() -> None:
    container = compose("bench", ["+preset=dry_run"], {}).container
    again = from_resolved(yaml.safe_load(yaml.safe_dump(container)), "a file")
    assert graph_hash(again) == of("+preset=dry_run")


@pytest.mark.parametrize(
    "change",
    [
        "batch=lockstep",
        "cache.maxsize=999",
        "queue.max_waiting=7",
        "model.max_num_seqs=3",
        "server.deadline_ms=800.0",
        "logging=text",
        "engine.restart.backoff_s=2.0",
        "embedding=dry_run",
    ],
)
def test_every_component_counts(change: str) -> None:
    assert of("engine=dry_run", change) != of("engine=dry_run")


def test_keys_count_by_being_there() -> None:
    one, other = (of("security=keys", KEYS % key) for key in ("sk-one", "sk-other"))
    assert one == other
    assert one != of("security=keys", "security.api_keys=[{key: sk-one, name: a}, {key: sk-two, name: b}]")


def test_whole_numbers_for_floats_are_the_same_value() -> None:
    assert of("batch=lockstep", "batch.max_wait_time_ms=5") == of("batch=lockstep", "batch.max_wait_time_ms=5.0")


def test_of_settings_for_scripts(no_settings: pytest.MonkeyPatch) -> None:
    assert graph_hash(get_config("+preset=dry_run")) == of("+preset=dry_run")
