"""Values that make no sense are refused, and the message names the key."""

import json
from collections.abc import Iterator
from typing import Any

import helm_python
import pytest

from tests.charts.chart import CHART, objects, refused, values
from vgate.config.secrets import is_secret

HASH = "sha256:" + 64 * "0"

#: The value, and what the schema's message must name.
SCHEMA: list[tuple[dict[str, Any], str]] = [
    ({"gateways": {}}, "gateways"),
    ({"gateway__replica": 2}, "replica"),
    ({"gateway__replicas": 0}, "/gateway/replicas"),
    ({"gateway__replicas": "2"}, "/gateway/replicas"),
    ({"gateway__replicas": 1.5}, "/gateway/replicas"),
    ({"gateway__service__port": 70000}, "/gateway/service/port"),
    ({"gateway__service__type": "clusterip"}, "/gateway/service/type"),
    ({"gateway__image__tag": "latest"}, "/gateway/image/tag"),
    ({"gateway__image__tag": "a b"}, "/gateway/image/tag"),
    ({"gateway__image__digest": "sha256:1"}, "/gateway/image/digest"),
    ({"workers__image__repository": "Not An Image"}, "/workers/image/repository"),
    ({"gateway__image__pullPolicy": "Sometimes"}, "/gateway/image/pullPolicy"),
    ({"gateway__updateStrategy": "OnDelete"}, "/gateway/updateStrategy"),
    ({"gateway__resources": {"limits": {"memory": "1 GB"}}}, "/gateway/resources/limits/memory"),
    ({"workers__resources": {"gpus": 1}}, "gpus"),
    ({"workers__resources": {"limits": {"nvidia.com/gpu": 0.5}}}, "/limits/nvidia.com~1gpu"),
    ({"gateway__preStopSeconds": 0}, "/gateway/preStopSeconds"),
    ({"gateway__terminationGracePeriodSeconds": 0}, "/gateway/terminationGracePeriodSeconds"),
    ({"gateway__startupSeconds": 1}, "/gateway/startupSeconds"),
    ({"gateway__pdb__maxUnavailable": 0}, "/gateway/pdb/maxUnavailable"),
    ({"gateway__pdb__maxUnavailable": "0%"}, "/gateway/pdb/maxUnavailable"),
    ({"gateway__pdb": {"minAvailable": 1}}, "minAvailable"),
    ({"gateway__autoscaling__cpuUtilization": 0}, "/gateway/autoscaling/cpuUtilization"),
    ({"gateway__autoscaling__minReplicas": 0}, "/gateway/autoscaling/minReplicas"),
    ({"workers__autoscaling__kind": "vpa"}, "/workers/autoscaling/kind"),
    ({"workers__autoscaling__metrics": []}, "/workers/autoscaling/metrics"),
    ({"workers__autoscaling__metrics": [{"name": "a b", "perWorker": 1}]}, "/workers/autoscaling/metrics/0/name"),
    (
        {"workers__autoscaling__behavior": {"scaleUp": {"policies": []}}},
        "/workers/autoscaling/behavior/scaleUp/policies",
    ),
    ({"workers__autoscaling__prometheusAddress": "prometheus:9090"}, "/workers/autoscaling/prometheusAddress"),
    ({"workers__discovery": "consul"}, "/workers/discovery"),
    ({"workers__tolerations": [{"keys": "a"}]}, "keys"),
    ({"workers__modelCache__size": "much"}, "/workers/modelCache/size"),
    ({"workers__nodeSelector": {"gpu": True}}, "/workers/nodeSelector/gpu"),
    ({"workers__podLabels": {"app.kubernetes.io/name": "other"}}, "/workers/podLabels"),
    ({"config": {"bach": {"max_batch_size": 8}}}, "bach"),
    ({"config": {"server": {"port": 80}}}, "/config/server/port"),
    ({"config": {"server.port": 0}}, "/config/server.port"),
    ({"config": {"server.shutdown_grace_s": -1}}, "/config/server.shutdown_grace_s"),
    ({"workers__config": {"server": {"shutdown_grace_s": "30"}}}, "/workers/config/server/shutdown_grace_s"),
    ({"gateway__env": [{"name": "VGATE_SERVER__PORT", "value": "9000"}]}, "/gateway/env/0"),
    ({"gateway__env": [{"name": "VGATE_CACHE__MAXSIZE", "value": "9"}]}, "/gateway/env/0"),
    ({"gateway__env": [{"name": "A"}]}, "/gateway/env/0"),
    ({"apiKeys__keys": [{"name": "a", "key": "sk-plain"}]}, "/apiKeys/keys/0"),
    ({"apiKeys__keys": [{"name": "a", "hash": "sha256:1"}]}, "/apiKeys/keys/0/hash"),
    ({"apiKeys__keys": [{"hash": HASH}]}, "/apiKeys/keys/0"),
    ({"admin__token": "short"}, "/admin/token"),
    ({"workerKey__value": "with spaces in it"}, "/workerKey/value"),
    ({"secret__files": {"api-keys": "a"}}, "/secret/files"),
    ({"secret__files": {"../a": "b"}}, "/secret/files"),
    ({"redis__url": "http://redis"}, "/redis/url"),
    ({"networkPolicy__clients": [{}]}, "/networkPolicy/clients/0"),
    ({"networkPolicy__clients": [{"namespace": "a"}]}, "/networkPolicy/clients/0"),
    ({"metrics__serviceMonitor__interval": 15}, "/metrics/serviceMonitor/interval"),
    ({"podSecurity__runAsUser": 0}, "/podSecurity/runAsUser"),
    ({"fullnameOverride": "With Capitals"}, "/fullnameOverride"),
]

#: What lies between two values, and the line that the chart says.
TOGETHER: list[tuple[dict[str, Any], str]] = [
    (
        {"gateway__terminationGracePeriodSeconds": 45},
        "gateway.terminationGracePeriodSeconds = 45: must be more than 45, preStopSeconds and config.server's drain_",
    ),
    (
        {
            "workers__config": {"server.shutdown_grace_s": 59.5, "server.drain_delay_s": 0.5},
            "workers__terminationGracePeriodSeconds": 76,
        },
        "workers.terminationGracePeriodSeconds = 76: must be more than 76",
    ),
    (
        {"config": {"engine.start_timeout_s": 100}, "workers__enabled": False},
        "gateway.startupSeconds = 60: must be at least",
    ),
    ({"gateway__autoscaling": {"enabled": True, "minReplicas": 9}}, "gateway.autoscaling.minReplicas = 9"),
    (
        {"gateway__autoscaling__enabled": True, "gateway__resources": {"requests": {"cpu": None}}},
        "gateway.resources.requests.cpu",
    ),
    (
        {"gateway__autoscaling__enabled": True, "gateway__resources": None},
        "gateway.resources.requests.cpu: gateway.autoscaling needs it",
    ),
    ({"gateway__modelCache": {"enabled": True, "persistent": True}}, "gateway.modelCache.persistent = true: one"),
    (
        {"gateway__modelCache": {"enabled": True, "persistent": True}, "gateway__replicas": 1},
        "gateway.updateStrategy = RollingUpdate: must be Recreate",
    ),
    ({"workers__discovery": "list", "workers__autoscaling__kind": "hpa"}, "workers.discovery = list"),
    ({"config": {"engine": "vllm"}}, "config.engine = vllm"),
    ({"config": {"engine": {"workers_dns": "a:1"}}}, "config.engine.workers_dns"),
    ({"workers__config": {"engine": "upstream"}}, "workers.config.engine = upstream"),
    ({"config": {"server.host": "127.0.0.1"}}, "config.server.host = 127.0.0.1"),
    (
        {"config": {"security": "none"}, "apiKeys": {"enabled": True, "keys": [{"name": "a", "hash": HASH}]}},
        "config.security: apiKeys.enabled says otherwise; take one of them out",
    ),
    (
        {"config": {"admin.token_file": "/a"}, "admin": {"enabled": True, "token": 16 * "t"}},
        "config.admin.token_file: admin.enabled says otherwise",
    ),
    ({"config": {"server.tls.key_file": "/a"}, "gateway__tlsSecret": "own"}, "config.server.tls.key_file: gateway."),
    (
        {"config": {"engine.dns.key_file": "/a"}, "workerKey": {"enabled": True, "value": 16 * "w"}},
        "config.engine.dns.key_file: workerKey.enabled says otherwise",
    ),
    (
        {
            "workers__config": {"security.api_keys": [{"name": "a", "key_file": "/a"}]},
            "workerKey": {"enabled": True, "value": 16 * "w"},
        },
        "workers.config.security.api_keys: workerKey.enabled says otherwise",
    ),
    ({"config": {"server": {"port": 9000}, "server.port": 9001}}, "config: server.port is there twice"),
    ({"config": {"server.tls.client_ca_file": "/a"}}, "config.server.tls.client_ca_file"),
    ({"config": {"server.tls.cert_file": "/a"}}, "config.server.tls.cert_file: name the Secret"),
    ({"config": {"security": {"exempt_paths": ["/health"]}}}, "config.security.exempt_paths: must hold /ready"),
    ({"config": {"admin.host": "0.0.0.0"}, "admin": {"enabled": True, "token": 16 * "t"}}, "config.admin.host"),  # noqa: S104
    ({"apiKeys__enabled": True}, "apiKeys.enabled: needs apiKeys.keys, or the key api-keys in the Secret"),
    (
        {"workers__env": [{"name": "HF_TOKEN", "value": "hf_0123"}]},
        "workers.env.HF_TOKEN: is secret and would lie open",
    ),
    ({"gateway__env": [{"name": "HOME", "value": "/"}]}, "gateway.env: HOME is there already, in the list or by the"),
    (
        {"workers__env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        "workers.env: A is there already",
    ),
    (
        {"apiKeys": {"enabled": True, "keys": [{"name": f"of-client-{i}", "hash": HASH} for i in range(1500)]}},
        "apiKeys.keys: 1500 keys are more than a variable of a pod can hold",
    ),
    ({"admin__enabled": True}, "admin.enabled: needs admin.token"),
    ({"workerKey__enabled": True}, "workerKey.enabled: needs workerKey.value"),
    ({"huggingFace__enabled": True}, "huggingFace.enabled: needs huggingFace.token"),
    ({"config": {"cache": "redis"}}, "config.cache = redis: needs redis.url"),
    (
        {"config": {"cache": "redis"}, "redis": {"enabled": True, "url": "redis://a"}},
        "redis.url: has no effect with redis.enabled=true",
    ),
    ({"config": {"cache": "redis"}, "secret__existing": "own", "redis__url": "redis://a"}, "secret.existing = own: "),
    ({"apiKeys__keys": [{"name": "a", "hash": HASH}]}, "apiKeys.keys: has no effect without apiKeys.enabled=true"),
    ({"admin__token": 16 * "t"}, "admin.token: has no effect without admin.enabled=true"),
    ({"workerKey__value": 16 * "t"}, "workerKey.value: has no effect without workerKey.enabled=true"),
    (
        {"workerKey__enabled": True, "workers__enabled": False},
        "workerKey.enabled = true: has no effect with workers.enabled=false",
    ),
    ({"huggingFace__token": "hf"}, "huggingFace.token: has no effect without huggingFace.enabled=true"),
    ({"huggingFace__enabled": True, "workers__enabled": False}, "huggingFace.enabled = true: has no effect"),
    ({"redis__url": "redis://a"}, "redis.url: has no effect without config.cache: redis"),
    ({"redis__maxmemory": "1gb"}, "redis.maxmemory = 1gb: must be less than redis.resources.limits.memory = 256Mi"),
    ({"redis__enabled": True}, "redis.enabled = true: has no effect without config.cache: redis"),
    ({"secret__files": {"a": "b"}}, "secret.files.a: has no effect without gateway.secretFiles naming it"),
    ({"gateway__secretFiles": ["a"]}, "gateway.secretFiles, a: needs secret.files.a"),
    (
        {"config": {"security.api_keys": [{"name": "a", "key_file": "/etc/vgate/secrets/a"}]}},
        "/etc/vgate/secrets/a: no such file",
    ),
]

#: Settings that would lie in a ConfigMap; V-Gate shows none of them either.
SECRET: list[tuple[dict[str, Any], str]] = [
    ({"security": {"api_keys": [{"name": "a", "key": "sk-abc"}]}}, "config.security.api_keys[0].key: is secret"),
    ({"security.api_keys": [{"name": "a", "hash": HASH}]}, "config.security.api_keys[0].hash: is secret"),
    ({"admin": {"token": "tttt"}}, "config.admin.token: is secret"),
    ({"admin.token": "tttt"}, "config.admin.token: is secret"),
    ({"cache.url": "redis://:pass@host:1/0"}, "config.cache.url: is secret"),
    ({"limits": {"url": "rediss://user:pass@host:1/0"}}, "config.limits.url: is secret"),
    ({"tracing": {"headers": {"x-team": "abc"}}}, "config.tracing.headers.x-team: is secret"),
    ({"tracing.headers.x-team": "abc"}, "config.tracing.headers.x-team: is secret"),
    ({"engine": {"extra_args": {"hf_token": "abc"}}}, "config.engine.extra_args.hf_token: is secret"),
    ({"engine.dns.key": "abc"}, "config.engine.dns.key: is secret"),
    ({"engine": {"workers": [{"url": "http://a", "key": "abc"}]}}, "config.engine.workers[0].key: is secret"),
]


@pytest.mark.parametrize(("changes", "named"), SCHEMA, ids=str)
def test_the_schema_refuses(changes: dict[str, Any], named: str) -> None:
    message = refused(values("default", **changes))
    assert "schema" in message
    assert named in message.replace("'", "")


def test_what_the_templates_cannot_do_without_is_not_taken_out() -> None:
    """As null does with a default: a line that names it, not one of Go's."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    paths = list(_required(schema, schema))
    assert len(paths) > 40
    for path in paths:
        assert f"missing property '{path.rpartition('__')[2]}'" in refused(values("default", **{path: None})), path


def _required(node: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[str]:
    node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    yield from (path + name for name in node.get("required", []))
    for name, inner in node.get("properties", {}).items():
        yield from _required(inner, schema, f"{path}{name}__")


@pytest.mark.parametrize("release", ["1a", "my.release"])
def test_a_release_is_not_called_as_no_service_may_be(release: str) -> None:
    with pytest.raises(
        helm_python.HelmError, match=f"release name {release}: no Service may be called {release}-vgate"
    ):
        objects(values(), release)
    objects(values(fullnameOverride="other"), release)


@pytest.mark.parametrize(("changes", "line"), TOGETHER, ids=lambda value: str(value)[:40])
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], line: str) -> None:
    assert line in refused(values("default", **changes))


@pytest.mark.parametrize(("config", "line"), SECRET, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("of", ["config", "workers__config"])
def test_what_is_secret_is_kept_out_of_a_config_map(of: str, config: dict[str, Any], line: str) -> None:
    given = values("cpu", **{of: config}) if of == "config" else values("default", **{of: config})
    message = refused(given)
    assert line.replace("config.", of.replace("__", ".") + ".", 1) in message
    for text in ("sk-abc", "tttt", "pass@", "abc", HASH):
        assert text not in message


NAMES = [
    *(
        "key",
        "api_key",
        "hash",
        "token",
        "hf_token",
        "auth_tokens",
        "password",
        "key_password",
        "secret",
        "bearer",
        "cookie",
    ),
    *(
        "key_file",
        "token_env",
        "max_tokens",
        "num_key_value_heads",
        "eos_token",
        "tokenizer",
        "hash_algorithm",
        "keep_s",
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_secret_here_that_are_secret_to_v_gate(name: str) -> None:
    given = values("cpu", config={"engine.extra_args": {name: "abc"}})
    if is_secret(name) and not name.endswith(("_file", "_env")):
        assert f"config.engine.extra_args.{name}: is secret" in refused(given)
    else:
        objects(given)


def test_what_only_sounds_secret_is_not_refused() -> None:
    objects(
        values(
            "cpu",
            config={
                "preset": "dry_run",
                "server.cors": {"allow_headers": ["Authorization"], "expose_headers": ["X-Request-Id"]},
                "security.rate_limiting.tokens_per_byte": 0.5,
                "security.rate_limiting": {"unset_max_tokens": 100},
                "tracing.endpoint": "http://collector:4318/v1/traces",
                "model.tool_call_parser": "hermes",
                "dedup": {"scope": "key"},
            },
        )
    )
