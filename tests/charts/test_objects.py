"""Each set of values that ships: objects that Kubernetes takes, and that fit each other."""

from typing import Any

import pytest

from tests.charts import invariants, kubernetes
from tests.charts.chart import FILES, find, kinds, objects, pods, rendered, server_of, values


@pytest.mark.parametrize("name", FILES)
def test_objects_are_kubernetes_and_fit_each_other(name: str) -> None:
    found = objects(values(name))
    for o in found:
        kubernetes.check(o)
    invariants.check(found)


WHAT_IS_THERE = {
    "default": {"Deployment": 1, "StatefulSet": 1, "Service": 2, "ConfigMap": 2, "PodDisruptionBudget": 2},
    "cpu": {"Deployment": 1, "Service": 1, "ConfigMap": 1, "PodDisruptionBudget": 1},
    "gpu-3060": {"Deployment": 1, "Service": 1, "ConfigMap": 1, "PodDisruptionBudget": 1, "PersistentVolumeClaim": 1},
    "scale": {
        "Deployment": 2,
        "StatefulSet": 1,
        "Service": 3,
        "ConfigMap": 2,
        "PodDisruptionBudget": 2,
        "HorizontalPodAutoscaler": 1,
        "ScaledObject": 1,
        "ServiceMonitor": 2,
        "PrometheusRule": 1,
    },
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_there(name: str) -> None:
    found = objects(values(name))
    counted = {kind: len(kinds(found, kind)) for kind in {o["kind"] for o in found}}
    policies = {"default": 2, "scale": 3}.get(name, 1)
    assert counted == WHAT_IS_THERE[name] | {"ServiceAccount": 1, "Pod": 1, "NetworkPolicy": policies}


@pytest.mark.parametrize(("name", "on_a_gpu"), [("default", "chat-vgate-workers"), ("gpu-3060", "chat-vgate")])
def test_a_gpu_is_asked_for_by_who_runs_the_model(name: str, on_a_gpu: str) -> None:
    found = objects(values(name))
    asking = {n: pod for n, pod in pods(found).items() if "nvidia.com/gpu" in server_of(pod)["resources"]["limits"]}
    assert list(asking) == [on_a_gpu]
    pod = asking[on_a_gpu]
    assert server_of(pod)["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert server_of(pod)["image"].startswith("vgate-gpu:")
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod["spec"]["tolerations"]
    shm = next(volume["emptyDir"] for volume in pod["spec"]["volumes"] if volume["name"] == "shm")
    assert shm == {"medium": "Memory", "sizeLimit": "2Gi"}
    home = {v["name"]: v.get("value") for v in server_of(pod)["env"]}
    assert home["HF_HOME"].startswith(home["HOME"])
    assert home["HOME"] in [m["mountPath"] for m in server_of(pod)["volumeMounts"] if not m.get("readOnly")]


def test_the_only_gpu_is_free_before_it_is_asked_for_again() -> None:
    deployment = find(objects(values("gpu-3060")), "Deployment")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["template"]["spec"]["nodeSelector"] == {
        "nvidia.com/gpu.product": "NVIDIA-GeForce-RTX-3060"
    }


def test_the_test_of_helm_runs_where_the_gateways_image_is() -> None:
    found = objects(values("gpu-3060"))
    test, gateway = pods(found)["chat-vgate-test"]["spec"], pods(found)["chat-vgate"]["spec"]
    assert server_of(pods(found)["chat-vgate-test"])["image"] == server_of(pods(found)["chat-vgate"])["image"]
    assert [test[where] for where in ("nodeSelector", "tolerations")] == [
        gateway[where] for where in ("nodeSelector", "tolerations")
    ]


def test_workers_have_one_address_each() -> None:
    """Of two families a name would stand for each of them twice."""
    assert find(objects(values()), "Service", "chat-vgate-workers")["spec"]["ipFamilyPolicy"] == "SingleStack"


@pytest.mark.parametrize("group", ["runAsUser", "fsGroup"])
def test_users_may_be_of_the_clusters_choice(group: str) -> None:
    """OpenShift's, which are large, or whichever it takes where none is named."""
    text = rendered(values(podSecurity={group: 1000660000}))["vgate/templates/gateway-deployment.yaml"]
    assert f" {group}: 1000660000\n" in text
    assert group not in pods(objects(values(podSecurity={group: None})))["chat-vgate"]["spec"]["securityContext"]


@pytest.mark.parametrize("name", ["on", "true", "null", "no"])
def test_words_that_yaml_takes_for_others_are_names(name: str) -> None:
    found = objects(values("gpu-3060", fullnameOverride=name, nameOverride=name, secret__existing=name), name)
    for o in found:
        kubernetes.check(o)
    invariants.selectors(found)


def test_a_roll_out_takes_no_gateway_away_before_there_is_another() -> None:
    strategy = find(objects(values()), "Deployment")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def checksums(**changes: Any) -> dict[str, dict[str, str]]:
    found = objects(values("default", workerKey__enabled=True, **{"workerKey__value": "w" * 16, **changes}))
    return {
        o["metadata"]["name"]: pods(found)[o["metadata"]["name"]]["metadata"]["annotations"]
        for o in kinds(found, "Deployment", "StatefulSet")
    }


@pytest.mark.parametrize(
    ("change", "rolled"),
    [
        ({"config": {"server": {"deadline_ms": 2000}}}, {"chat-vgate"}),
        ({"workers__config": {"model.max_num_seqs": 32}}, {"chat-vgate-workers"}),
        ({"workerKey__value": "x" * 16}, {"chat-vgate", "chat-vgate-workers"}),
        ({"admin__enabled": True, "admin__token": "t" * 16}, {"chat-vgate"}),
        ({"gateway__replicas": 3}, set()),
        ({"config": {}}, set()),
    ],
)
def test_pods_are_replaced_when_what_they_read_changes_and_only_then(change: Any, rolled: set[str]) -> None:
    before, after = checksums(), checksums(**change)
    assert {name for name in before if before[name] != after[name]} == rolled


def test_a_change_of_api_keys_costs_no_worker_its_model() -> None:
    keys = [{"name": "a", "hash": "sha256:" + 64 * "0"}]
    one = checksums(apiKeys__enabled=True, apiKeys__keys=keys)
    two = checksums(apiKeys__enabled=True, apiKeys__keys=[{**keys[0], "rate_limit": 5}])
    assert [name for name in one if one[name] != two[name]] == ["chat-vgate"]


def test_a_certificate_is_served_and_asked_for() -> None:
    found = objects(values(gateway__tlsSecret="own", metrics__serviceMonitor={"enabled": True}))
    invariants.check(found, {"own": {"tls.crt", "tls.key"}})
    container = server_of(pods(found)["chat-vgate"])
    assert {container[f"{probe}Probe"]["httpGet"]["scheme"] for probe in ("startup", "readiness", "liveness")} == {
        "HTTPS"
    }
    workers = server_of(pods(found)["chat-vgate-workers"])
    assert workers["livenessProbe"]["httpGet"]["scheme"] == "HTTP"
    monitors = {o["metadata"]["name"]: o["spec"]["endpoints"][0].get("scheme") for o in kinds(found, "ServiceMonitor")}
    assert monitors == {"chat-vgate": "https", "chat-vgate-workers": None}


def test_the_workers_are_named_one_by_one_where_a_list_is_wanted() -> None:
    found = objects(
        values(workers__discovery="list", workers__replicas=2, workerKey={"enabled": True, "value": "w" * 16})
    )
    config = invariants.configuration(found, pods(found)["chat-vgate"])
    place = "/etc/vgate/secrets/worker-key"
    url = "http://chat-vgate-workers-{}.chat-vgate-workers:8000"
    assert config["engine.workers"] == [
        {"name": f"worker-{i}", "url": url.format(i), "key_file": place} for i in range(2)
    ]
    assert "engine.workers_dns" not in config


@pytest.mark.parametrize(
    ("release", "changes", "name"),
    [
        ("vgate", {}, "vgate"),
        ("my-vgate-2", {}, "my-vgate-2"),
        ("a" * 53, {}, "a" * 43),
        ("chat", {"fullnameOverride": "b" * 42}, "b" * 42),
        ("chat", {"nameOverride": "gate"}, "chat-gate"),
    ],
)
def test_names_are_names_whatever_the_release_is_called(release: str, changes: Any, name: str) -> None:
    found = objects(values("scale", **changes), release)
    assert name in pods(found)
    invariants.names(found)
    invariants.selectors(found)
