"""What must hold of the objects of one release together, whatever the values."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.charts.chart import NAMESPACE, Object, find, kept, kinds, pods, server_of
from vgate.config.secrets import without_secrets

#: The longest name of a StatefulSet of which the pods' revision label is still a label.
LONGEST = 52


def check(found: list[Object], outside: dict[str, set[str]] | None = None) -> None:
    """All of them. outside: Secrets that others made, and their keys."""
    names(found)
    pulling(found)
    selectors(found)
    ports(found)
    mounts(found, outside or {})
    for name, pod in pods(found).items():
        restricted(name, pod["spec"])
    times(found)
    disruptions(found)
    scaling(found)
    secrets(found)


def pulling(found: list[Object]) -> None:
    """Whoever may fetch one image may fetch them all."""
    assert len({json.dumps(pod["spec"].get("imagePullSecrets")) for pod in pods(found).values()}) == 1


def names(found: list[Object]) -> None:
    known = [(o["kind"], o["metadata"]["name"]) for o in found]
    assert len(set(known)) == len(known), known
    for o in found:
        assert o["metadata"]["namespace"] == NAMESPACE
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", o["metadata"]["name"])
        assert len(o["metadata"]["name"]) <= LONGEST


def matching(found: list[Object], selector: dict[str, Any]) -> list[str]:
    """The names of those whose pods it selects."""
    assert selector, "selects everything"
    return [n for n, pod in pods(found).items() if selector.items() <= pod["metadata"]["labels"].items()]


def selectors(found: list[Object]) -> None:
    """Each selects the pods of one Deployment or StatefulSet; a workload's own, its own."""
    for o in kinds(found, "Deployment", "StatefulSet"):
        assert matching(found, o["spec"]["selector"]["matchLabels"]) == [o["metadata"]["name"]]
        for spread in o["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            assert spread["labelSelector"] == o["spec"]["selector"]
    for o in kinds(found, "Service"):
        assert len(matching(found, o["spec"]["selector"])) == 1
    for o in kinds(found, "PodDisruptionBudget"):
        assert len(matching(found, o["spec"]["selector"]["matchLabels"])) == 1
    for o in kinds(found, "NetworkPolicy"):
        assert len(matching(found, o["spec"]["podSelector"]["matchLabels"])) == 1
    for o in kinds(found, "StatefulSet"):
        service = find(found, "Service", o["spec"]["serviceName"])
        assert service["spec"]["clusterIP"] == "None"
        assert matching(found, service["spec"]["selector"]) == [o["metadata"]["name"]]


def ports(found: list[Object]) -> None:
    """A named port is one of the pods that it is asked of."""
    for o in kinds(found, "Service"):
        for port in o["spec"]["ports"]:
            for pod in matching(found, o["spec"]["selector"]):
                assert port["targetPort"] in named_ports(pods(found)[pod])
                if o["spec"].get("clusterIP") == "None":  # there is nobody between who could translate
                    assert port["port"] == named_ports(pods(found)[pod])[port["targetPort"]]
    for o in kinds(found, "NetworkPolicy"):
        (pod,) = matching(found, o["spec"]["podSelector"]["matchLabels"])
        for rule in o["spec"]["ingress"]:
            assert {port["port"] for port in rule["ports"]} <= named_ports(pods(found)[pod]).keys()
    for pod in pods(found).values():
        probes(pod)
    monitors(found)


def probes(pod: Object) -> None:
    container = server_of(pod)
    there = [container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe") if name in container]
    asked = {(probe.get("httpGet") or probe["tcpSocket"])["port"] for probe in there}
    assert asked <= named_ports(pod).keys()


def monitors(found: list[Object]) -> None:
    for o in kinds(found, "ServiceMonitor"):
        wanted = o["spec"]["selector"]["matchLabels"]
        (service,) = [s for s in kinds(found, "Service") if wanted.items() <= s["metadata"]["labels"].items()]
        offered = {port["name"] for port in service["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in o["spec"]["endpoints"]} <= offered


def named_ports(pod: Object) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in server_of(pod).get("ports", [])}


def keys_of(found: list[Object], kind: str, outside: dict[str, set[str]]) -> dict[str, set[str]]:
    made = {o["metadata"]["name"]: set(o["data"]) for o in kinds(found, kind)}
    return made | outside


def mounts(found: list[Object], outside: dict[str, set[str]]) -> None:
    """What is mounted or read into a variable is there, with the keys that are asked for; what is there is used."""
    configs, there_are = keys_of(found, "ConfigMap", {}), keys_of(found, "Secret", outside)
    claims = {o["metadata"]["name"] for o in kinds(found, "PersistentVolumeClaim")}
    accounts = {o["metadata"]["name"] for o in kinds(found, "ServiceAccount")}
    read: set[tuple[str, str]] = set()
    for name, pod in pods(found).items():
        spec = pod["spec"]
        assert spec["serviceAccountName"] in accounts | {"default", "someone"}
        for volume in spec.get("volumes", []):
            if "configMap" in volume:
                assert "vgate.yaml" in configs[volume["configMap"]["name"]]
            elif "secret" in volume:
                secret = volume["secret"]["secretName"]
                wanted = {item["key"] for item in volume["secret"].get("items", [])}
                assert wanted <= there_are[secret]
                read |= {(secret, key) for key in wanted}
            elif "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
            else:
                assert volume["emptyDir"]["sizeLimit"]
        templates = [o for o in kinds(found, "StatefulSet") if o["metadata"]["name"] == name]
        claimed = {c["metadata"]["name"] for o in templates for c in o["spec"].get("volumeClaimTemplates", [])}
        there = {volume["name"] for volume in spec.get("volumes", [])} | claimed
        assert {mount["name"] for mount in server_of(pod).get("volumeMounts", [])} == there
        for reference in references(server_of(pod)):
            assert reference["key"] in there_are[reference["name"]]
            read.add((reference["name"], reference["key"]))
    made = {(name, key) for name, keys in keys_of(found, "Secret", {}).items() for key in keys}
    assert made <= read, made - read


def references(container: Object) -> list[dict[str, str]]:
    sources = [variable.get("valueFrom", {}) for variable in container.get("env", [])]
    return [source["secretKeyRef"] for source in sources if "secretKeyRef" in source]


def restricted(name: str, spec: dict[str, Any]) -> None:
    """The rules of Kubernetes' Pod Security Standard "restricted", and what it leaves open."""
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert min(security[who] for who in ("runAsUser", "runAsGroup", "fsGroup")) > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"] + spec.get("initContainers", []):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        _, _, tag = container["image"].partition("@")[0].rpartition(":")
        assert re.fullmatch(r"[0-9][\w.-]*", tag), container["image"]
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
        assert "memory" in container["resources"]["limits"]


def configuration(found: list[Object], pod: Object) -> dict[str, Any]:
    """What lies in the ConfigMap of a server's pod."""
    (name,) = [v["configMap"]["name"] for v in pod["spec"]["volumes"] if "configMap" in v]
    return yaml.load(find(found, "ConfigMap", name)["data"]["vgate.yaml"], Loader=yaml.CSafeLoader)


def servers(found: list[Object]) -> Iterator[tuple[Object, Object, dict[str, Any]]]:
    """Each gateway's and worker's workload, its container and its configuration."""
    for o in kinds(found, "Deployment", "StatefulSet"):
        pod = o["spec"]["template"]
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] in ("gateway", "workers"):
            yield o, server_of(pod), configuration(found, pod)


def times(found: list[Object]) -> None:
    """Nobody is killed who still drains, or who still loads."""
    budgets = []
    for workload, container, config in servers(found):
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pause >= 5
        given = workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert given > pause + config["server.drain_delay_s"] + config["server.shutdown_grace_s"]
        startup = container["startupProbe"]
        budget = startup["periodSeconds"] * startup["failureThreshold"]
        budgets.append(budget)
        own = config.get("engine") != "upstream"
        assert startup["httpGet"]["path"] == ("/ready" if own else "/health")
        assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health"
        assert container["ports"][0]["containerPort"] == config["server.port"]
        assert config["server.host"] == "0.0.0.0"  # noqa: S104  inside a pod
    deadlines = [o["spec"]["progressDeadlineSeconds"] for o, _, _ in servers(found) if o["kind"] == "Deployment"]
    assert min(deadlines) > sum(budgets)


def disruptions(found: list[Object]) -> None:
    for o in kinds(found, "PodDisruptionBudget"):
        assert "minAvailable" not in o["spec"]
        assert int(str(o["spec"]["maxUnavailable"]).rstrip("%")) >= 1


def scaling(found: list[Object]) -> None:
    """What is scaled is there, once, and says no number of its own, which would be set again by every upgrade."""
    targets = []
    for o in kinds(found, "HorizontalPodAutoscaler", "ScaledObject"):
        spec = o["spec"]
        target = spec["scaleTargetRef"]
        targets.append((target["kind"], target["name"]))
        assert target["apiVersion"] == find(found, *targets[-1])["apiVersion"]
        least, most = (spec.get(f"{end}Replicas") or spec[f"{end}ReplicaCount"] for end in ("min", "max"))
        assert 1 <= least <= most
        behavior = spec.get("behavior") or spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 300
        for metric in spec.get("metrics", []):
            if metric["type"] == "ContainerResource":
                container = server_of(pods(found)[target["name"]])
                assert metric["containerResource"]["container"] == container["name"]
                assert "cpu" in container["resources"]["requests"]
    assert len(set(targets)) == len(targets)
    for o in kinds(found, "Deployment", "StatefulSet"):
        assert ("replicas" in o["spec"]) is ((o["kind"], o["metadata"]["name"]) not in targets)


def secrets(found: list[Object]) -> None:
    """In the Secret alone; nothing in a ConfigMap that V-Gate itself would not show."""
    secret = [text for o in kinds(found, "Secret") for text in kept(o).values()]
    shown = json.dumps([o for o in found if o["kind"] != "Secret"])
    assert not [text for text in secret if json.dumps(text)[1:-1] in shown]
    for o in kinds(found, "ConfigMap"):
        for text in o["data"].values():
            config = _without_places(yaml.load(text, Loader=yaml.CSafeLoader))
            assert without_secrets(config) == config


def _without_places(value: Any) -> Any:
    """Without what settings say of the file or the variable in which a secret is."""
    if isinstance(value, dict):
        return {k: None if k.endswith(("_file", "_env")) else _without_places(v) for k, v in value.items()}
    return [_without_places(item) for item in value] if isinstance(value, list) else value
