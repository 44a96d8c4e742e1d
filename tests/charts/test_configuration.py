"""What the chart writes is a configuration: V-Gate's own code reads it, and a server starts with it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import certificates, servers
from tests.charts import invariants
from tests.charts.chart import CHART, FILES, objects, pods, server_of, values
from tests.charts.container import environment, image
from vgate.config import Composed, ConfigError, compose, tree
from vgate.config.layers import read_environment

HASH = "sha256:" + 64 * "0"
#: Nobody keeps a connection, so that a test need not wait for it.
STOP = "server.drain_delay_s=0"


def composed(given: dict[str, Any], folder: Path, name: str = "chat-vgate", **outside: dict[str, str]) -> Composed:
    """The configuration of the servers of that name, read as in their pods."""
    found = objects(given)
    return compose("serve", [], environment(found, pods(found)[name], folder, outside))


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_values_makes_configurations(name: str, tmp_path: Path) -> None:
    found = objects(values(name))
    for workload, container, config in invariants.servers(found):
        pod = workload["spec"]["template"]
        environ = environment(found, pod, tmp_path / workload["metadata"]["name"])
        read = compose("serve", [], environ)
        settings = read.settings
        assert read.notes == []
        assert (settings.server.host, settings.server.port) == ("0.0.0.0", config["server.port"])  # noqa: S104
        assert settings.server.shutdown_grace_s == config["server.shutdown_grace_s"]
        startup = container["startupProbe"]
        load = read.container["engine"].get("start_timeout_s", 0)
        # V-Gate gives up first, and its log says why.
        assert startup["periodSeconds"] * startup["failureThreshold"] > load
        assert container["command"] == ["python3", "-m", "vgate.serve"]  # and so without the images' arguments
        # Every variable is a key or what the launcher reads; an unknown one would have been refused.
        assert len(read_environment(environ)) == len(environ) - 1


@pytest.mark.parametrize(
    ("name", "engine"), [("cpu", "DryRunEngine"), ("gpu-3060", "VllmEngine"), ("scale", "UpstreamEngine")]
)
def test_the_gateways_engine_is_that_of_the_values(name: str, engine: str, tmp_path: Path) -> None:
    assert composed(values(name), tmp_path).container["engine"]["_target_"].endswith(f".{engine}")


def test_on_the_3060_runs_what_preset_prod_is(tmp_path: Path) -> None:
    ours = composed(values("gpu-3060"), tmp_path).container
    prod = compose("serve", ["+preset=prod", "server.shutdown_grace_s=60", "server.drain_delay_s=5"], {}).container
    assert ours == prod


def test_gateways_and_workers_agree_where_workers_are_and_on_their_key(tmp_path: Path) -> None:
    given = values("scale", workerKey={"enabled": True, "value": "w" * 16}, workers__config={"server.port": 9000})
    gateway = composed(given, tmp_path / "gateway").container
    worker = composed(given, tmp_path / "worker", "chat-vgate-workers").container
    assert gateway["engine"]["workers_dns"] == "chat-vgate-workers:9000"
    assert worker["server"]["port"] == 9000
    (key,) = worker["security"]["api_keys"]
    for place in (key["key_file"], gateway["engine"]["dns"]["key_file"]):
        assert Path(place).read_text(encoding="utf-8") == "w" * 16
    assert worker["security"]["rate_limiting"]["enabled"] is False


def test_a_list_of_workers_is_one(tmp_path: Path) -> None:
    given = values(workers__discovery="list", workers__replicas=3, workerKey={"enabled": True, "value": "w" * 16})
    workers = composed(given, tmp_path).container["engine"]["workers"]
    assert [worker["name"] for worker in workers] == ["worker-0", "worker-1", "worker-2"]


def test_what_the_image_sets_changes_nothing(tmp_path: Path) -> None:
    assert image()["VGATE_SERVER__PORT"] == "8000"
    settings = composed(values("cpu", config={"server": {"port": 9000}}), tmp_path).settings
    assert settings.server.port == 9000


def test_variables_that_kubernetes_makes_of_services_would_be_taken_for_settings() -> None:
    """Therefore no pod has them: `enableServiceLinks`."""
    with pytest.raises(ConfigError):
        read_environment({"VGATE_REDIS_PORT": "tcp://10.0.0.1:6379"})


def test_gateways_know_as_many_workers_as_there_may_be(tmp_path: Path) -> None:
    given = values("scale", workers__autoscaling={"maxReplicas": 100})
    assert composed(given, tmp_path).container["engine"]["dns"]["max_workers"] >= 100


def test_keys_token_and_redis_come_from_the_secret(tmp_path: Path) -> None:
    keys = [{"name": "production", "hash": HASH, "rate_limit": 100}]
    given = values(
        "cpu",
        config={"preset": "dry_run", "cache": "redis", "limits": "redis", "cache.ttl_s": 600},
        apiKeys={"enabled": True, "keys": keys},
        admin={"enabled": True, "token": "t" * 16},
        redis={"url": "redis://:pass@redis.example:6379/1"},
    )
    config = composed(given, tmp_path).container
    assert config["cache"]["url"] == config["limits"]["url"] == "redis://:pass@redis.example:6379/1"
    assert config["cache"]["ttl_s"] == 600
    assert config["security"]["api_keys"][0]["hash"] == HASH
    assert Path(config["admin"]["token_file"]).read_text(encoding="utf-8") == "t" * 16
    assert config["admin"]["host"] == "127.0.0.1"


def test_a_secret_of_ones_own_does_the_same(tmp_path: Path) -> None:
    kept = {"api-keys": f"[{{name: a, hash: '{HASH}'}}]", "admin-token": "t" * 16, "client-b": "sk-b"}
    given = values(
        "cpu",
        secret={"existing": "own"},
        admin={"enabled": True},
        apiKeys={"enabled": True},
        gateway__secretFiles=["client-b"],
    )
    found = objects(given)
    invariants.check(found, {"own": set(kept)})
    config = composed(given, tmp_path, own=kept).container
    assert [key["name"] for key in config["security"]["api_keys"]] == ["a"]
    assert "Secret" not in {o["kind"] for o in found}


def test_keys_may_be_files_of_the_secret(tmp_path: Path) -> None:
    given = values(
        "cpu",
        secret={"files": {"client-b": "sk-b"}},
        gateway__secretFiles=["client-b"],
        apiKeys={"enabled": True, "keys": [{"name": "b", "key_file": "/etc/vgate/secrets/client-b"}]},
    )
    invariants.check(objects(given))
    (key,) = composed(given, tmp_path).container["security"]["api_keys"]
    assert Path(key["key_file"]).read_text(encoding="utf-8") == "sk-b"


def test_a_certificate_is_where_it_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    pem = certificates.Authority().issue(tmp_path / "made/own")
    made = {"tls.crt": pem, "tls.key": pem.with_suffix(".key")}
    own = {name: path.read_text(encoding="utf-8") for name, path in made.items()}
    config = composed(values("cpu", gateway__tlsSecret="own"), tmp_path, own=own)
    assert config.settings.server.tls.on


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        ({"server": {"shutdown_grace_s": 0}}, ("server", "shutdown_grace_s"), 0),
        ({"server.shutdown_grace_s": 0.5}, ("server", "shutdown_grace_s"), 0.5),
        ({"server": {"max_body_bytes": 104857600}}, ("server", "max_body_bytes"), 104857600),
        ({"server.server_timing": False}, ("server", "server_timing"), False),
        ({"version": "0.3.1"}, ("version",), "0.3.1"),
        ({"cache": {"enabled": False}}, ("cache", "_target_"), "vgate.cache.none.NoCache"),
        ({"logging": {"level": "DEBUG", "json_format": False}}, ("logging", "level"), "DEBUG"),
        (
            {"server.cors.allow_origins": ["https://a.example"]},
            ("server", "cors", "allow_origins"),
            ["https://a.example"],
        ),
        ({"model.served_model_name": "on"}, ("model", "served_model_name"), "on"),
    ],
)
def test_values_arrive_as_they_were_written(config: Any, key: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    found: Any = composed(values("cpu", config=config), tmp_path).container
    for part in key:
        found = found[part]
    assert (found, type(found)) == (value, type(value)) or (found == value and isinstance(value, int | float))


def test_extra_args_keep_the_engines_own_names(tmp_path: Path) -> None:
    extra = {"structured_outputs_config": {"backend": "guidance"}}
    config = composed(values("gpu-3060", config={"engine": {"extra_args": extra}}), tmp_path).container
    assert config["engine"]["extra_args"] == extra


def test_what_the_chart_takes_for_granted_is_the_trees_default() -> None:
    server = yaml.safe_load((CHART.parents[1] / "conf/server/default.yaml").read_text(encoding="utf-8"))
    found = objects(values("cpu"))
    config = invariants.configuration(found, pods(found)["chat-vgate"])
    assert (config["server.port"], config["server.shutdown_grace_s"]) == (server["port"], server["shutdown_grace_s"])


def test_sections_that_values_may_have_are_those_of_the_tree() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))
    (pattern,) = schema["$defs"]["config"]["patternProperties"]
    sections = set(pattern.removeprefix("^(").partition(")")[0].split("|"))
    assert sections == set(tree.groups_of("serve")) - {"preset"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """`vgate.serve` as the pod of the CPU values runs it, but for the port."""
    found = objects(values("cpu"))
    environ = environment(found, pods(found)["chat-vgate"], tmp_path_factory.mktemp("pod"))
    with servers.running(STOP, env=environ) as server:
        yield server


def test_a_server_starts_with_it_and_is_ready(started: servers.Server) -> None:
    container = server_of(pods(objects(values("cpu")))["chat-vgate"])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert httpx.get(started.base_url + container[probe]["httpGet"]["path"]).status_code == 200


def test_helms_own_test_asks_whether_it_is_ready(started: servers.Server) -> None:
    _, *command = server_of(pods(objects(values("cpu")))["chat-vgate-test"])["command"]
    script = command[-1].replace("http://chat-vgate:80/", f"{started.base_url}/")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:3]) == (0, "200")
    elsewhere = script.replace("/ready", "/nowhere")
    assert subprocess.run([sys.executable, "-c", elsewhere], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_workers_grow_by_metrics_that_there_are(started: servers.Server, kind: str) -> None:
    found = objects(values(workers__autoscaling={"kind": kind}))
    scaler = next(o for o in found if o["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"))
    names = [metric["pods"]["metric"]["name"] for metric in scaler["spec"].get("metrics", [])]
    queries = [trigger["metadata"]["query"] for trigger in scaler["spec"].get("triggers", [])]
    names += [query.partition("(")[2].partition("{")[0] for query in queries]
    offered = httpx.get(started.base_url + "/metrics").text
    assert names == ["vgate_queue_waiting", "vgate_engine_running"]
    for name in names:
        assert f"# TYPE {name} gauge\n" in offered
    for query in queries:
        assert query.endswith('{namespace="serving",service="chat-vgate-workers"})')


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A worker and a gateway as the pods of one release run them, but for their ports: the gateway's address."""
    given = values(
        workers__config={"preset": None, "engine": "dry_run", "engine.decode_step_ms": 0},
        workerKey={"enabled": True, "value": 16 * "w"},
        config={"engine.dns.family": "ipv4"},
    )
    found = objects(given)
    folder = tmp_path_factory.mktemp("fleet")
    at_worker = environment(found, pods(found)["chat-vgate-workers"], folder / "worker")
    with servers.running(STOP, env=at_worker) as worker:
        at_gateway = environment(found, pods(found)["chat-vgate"], folder / "gateway")
        address = worker.base_url.removeprefix("http://")
        # What the cluster's DNS would do.
        with servers.running(STOP, f"engine.workers_dns={address}", env=at_gateway) as gateway:
            yield gateway.base_url


def test_a_gateway_finds_its_worker_and_shows_it_the_key(fleet: str) -> None:
    body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    body["model"] = httpx.get(f"{fleet}/v1/models").json()["data"][0]["id"]
    answer = httpx.post(f"{fleet}/v1/chat/completions", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["completion_tokens"] == 4
