"""Whatever is switched on together: valid objects, and the invariants hold."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.charts import invariants, kubernetes
from tests.charts.chart import objects, put

HASH = "sha256:" + 64 * "0"
#: Secrets that others made.
OUTSIDE = {
    "own": {"api-keys", "admin-token", "worker-key", "redis-url", "hf-token", "client-b"},
    "own-tls": {"tls.crt", "tls.key"},
}
#: Each is a switch: the values of every one of its positions.
SWITCHES: dict[str, list[dict[str, Any]]] = {
    "engine": [
        {"workers.enabled": True},
        {"workers.enabled": True, "workers.discovery": "list", "workers.replicas": 3},
        {"workers.enabled": True, "workers.config": {"preset": "dry_run", "server.port": 9000}},
        {"workers.enabled": False, "config": {"preset": "dry_run"}},
        {"workers.enabled": False, "config": {"engine": "upstream", "engine.workers_dns": "elsewhere:8000"}},
        {"workers.autoscaling.kind": "hpa"},
        {"workers.autoscaling.kind": "keda", "workers.autoscaling.maxReplicas": 100},
    ],
    "gateways": [
        {"gateway.autoscaling.enabled": True},
        {"gateway.replicas": 3, "gateway.pdb.maxUnavailable": "50%"},
        {"gateway.replicas": 1, "gateway.updateStrategy": "Recreate"},
        {
            "gateway.replicas": 1,
            "gateway.updateStrategy": "Recreate",
            "gateway.modelCache": {"enabled": True, "persistent": True},
        },
        {"gateway.modelCache": {"enabled": True, "persistent": False}, "gateway.shmSize": "1Gi"},
    ],
    "secret": [{"secret.existing": "own"}, {}],
    "api keys": [{"apiKeys.enabled": True, "apiKeys.keys": [{"name": "a", "hash": HASH}]}, {}],
    "key files": [{"gateway.secretFiles": ["client-b"], "secret.files.client-b": "sk-of-client-b"}, {}],
    "admin": [{"admin.enabled": True, "admin.token": 16 * "t"}, {}],
    "worker key": [{"workerKey.enabled": True, "workerKey.value": 16 * "w"}, {}],
    "hub": [{"huggingFace.enabled": True, "huggingFace.token": "hf_0123456789"}, {}],
    "redis": [
        {"redis.enabled": True, "config": {"cache": "redis", "limits": "redis"}},
        {"redis.url": "redis://:of-the-redis@redis.example:6379/0", "config": {"limits": "redis"}},
        {},
    ],
    "times": [
        {"config": {"server.shutdown_grace_s": 0}},
        {"config": {"server.shutdown_grace_s": 0.5}, "gateway.preStopSeconds": 5},
        {"config": {"server": {"shutdown_grace_s": 300, "port": 8080}}, "gateway.terminationGracePeriodSeconds": 400},
        {"config": {"server": {"drain_delay_s": 99.5}}, "workers.config": {"server.drain_delay_s": 0}},
    ],
    "network": [
        {"networkPolicy.enabled": False},
        {"networkPolicy.clients": [{"podSelector": {}}], "networkPolicy.monitoring": []},
        {},
    ],
    "tls": [{"gateway.tlsSecret": "own-tls"}, {}],
    "metrics": [
        {"metrics.serviceMonitor.enabled": True, "metrics.labels": {"release": "prometheus"}},
        {"metrics.prometheusRule.enabled": True},
        {},
    ],
    "disruption": [{"gateway.pdb.enabled": False, "workers.pdb.enabled": False}, {}],
    "volumes": [{"workers.modelCache.persistent": False}, {"workers.modelCache.storageClassName": "fast"}, {}],
    "where": [
        {"gateway.topologySpread.enabled": False, "workers.nodeSelector": {"disk": "ssd"}},
        {"gateway.affinity": {"podAntiAffinity": {}}, "workers.priorityClassName": "high"},
        {"workers.runtimeClassName": "nvidia", "imagePullSecrets": [{"name": "a"}], "gateway.podLabels": {"a": "b"}},
    ],
    "account": [
        {"serviceAccount.create": False, "serviceAccount.name": "someone"},
        {"serviceAccount.create": False},
        {},
    ],
}  # fmt: skip
#: What makes the chart's own Secret, which `secret.existing` is in the place of.
MADE = ("apiKeys.keys", "admin.token", "workerKey.value", "huggingFace.token", "redis.url", "secret.files.client-b")


def together(positions: list[dict[str, Any]]) -> dict[str, Any]:
    """Their values, without those that would have no effect beside the others, which are refused."""
    values: dict[str, Any] = {}
    flat = {key: value for position in positions for key, value in position.items()}
    alone = flat.get("workers.enabled") is False
    idle = (("workerKey",) if alone else ()) + (("huggingFace",) if alone and "gateway.modelCache" not in flat else ())
    for position in positions:
        for key, value in position.items():
            if not ("secret.existing" in flat and key in MADE) and key.partition(".")[0] not in idle:
                put(values, key.split("."), value)
    if "secret.existing" in flat and "redis.url" in flat:
        values.setdefault("redis", {})["enabled"] = False
    return values


@settings(max_examples=90)
@given(st.tuples(*(st.sampled_from(positions) for positions in SWITCHES.values())))
def test_any_of_them_together_are_valid_and_fit(positions: tuple[dict[str, Any], ...]) -> None:
    values = together(list(positions))
    found = objects(values)
    for o in found:
        kubernetes.check(o)
    invariants.check(found, OUTSIDE)
    # Go's marks of values that a format did not expect, and of none.
    assert not re.search(r"%!|<no value>|<nil>", json.dumps(found))


def test_every_position_is_valid_alone() -> None:
    for positions in SWITCHES.values():
        for position in positions:
            found = objects(together([{"secret.existing": "own"}, position]))
            for o in found:
                kubernetes.check(o)
            invariants.check(found, OUTSIDE)


def test_what_is_checked_can_fail() -> None:
    """Each of the invariants sees what it is there for."""
    broken: dict[str, Any] = {
        "selectors": lambda o: o["kind"] == "Service" and o["spec"]["selector"].update(a="b"),
        "ports": lambda o: o["kind"] == "Service" and o["spec"]["ports"][0].update(targetPort="web"),
        "mounts": lambda o: o["kind"] == "ConfigMap" and o["data"].clear(),
        "times": lambda o: (
            o["kind"] == "Deployment" and o["spec"]["template"]["spec"].update(terminationGracePeriodSeconds=40)
        ),
        "disruptions": lambda o: o["kind"] == "PodDisruptionBudget" and o["spec"].update(maxUnavailable="0%"),
        "scaling": lambda o: o["kind"] == "Deployment" and o["spec"].update(replicas=2),
        "secrets": lambda o: o["kind"] == "ConfigMap" and o["data"].update({"vgate.yaml": "admin.token: abc"}),
    }
    for name, change in broken.items():
        found = objects({"gateway": {"autoscaling": {"enabled": True}}})
        invariants.check(found)
        for o in found:
            change(o)
        try:
            getattr(invariants, name)(*([found, {}] if name == "mounts" else [found]))
        except AssertionError:
            continue
        raise AssertionError(name)
