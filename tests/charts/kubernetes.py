"""Whether objects are what Kubernetes takes, by its published schemas.

Other projects' kinds have none there; for these a schema says what is used of them.
"""

import json
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.charts.chart import Object

#: The oldest that Chart.yaml allows, and the newest of which the schemas are here.
VERSIONS = ("1.30.0", "1.37.0")


def check(found: Object) -> None:
    """Raises AssertionError that says where."""
    for version in VERSIONS:
        _check(json.dumps(found, sort_keys=True), version)


@cache
def _check(text: str, version: str) -> None:
    found = json.loads(text)
    validator = CUSTOM.get(found["kind"]) or _validator(found["kind"], found["apiVersion"], version)
    wrong = [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(found)]
    assert not wrong, f"{found['kind']} {found['metadata']['name']}, Kubernetes {version}: {'; '.join(wrong)}"


@cache
def _validator(kind: str, api_version: str, version: str) -> Draft202012Validator:
    """As kubernetes-validate makes it, but once: it reads a megabyte of definitions for every object."""
    group, _, number = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], number) if part)
    return Draft202012Validator(_schema(f"{name}.json", version), registry=_registry(version))


@cache
def _registry(version: str) -> Registry:
    return Resource.from_contents(_schema("_definitions.json", version)) @ Registry()


def _schema(name: str, version: str) -> Any:
    folder = resources.files("kubernetes_validate").joinpath("kubernetes-json-schema")
    return json.loads(folder.joinpath(f"v{version}-local-strict", name).read_text(encoding="utf-8"))


def _of(api_version: str, **spec: Any) -> Draft202012Validator:
    """A kind of another project: these fields of its spec are known, and must be there; `_field` may be left out."""
    fields = {name.lstrip("_"): schema for name, schema in spec.items()}
    return Draft202012Validator(
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {
                "apiVersion": {"const": api_version},
                "kind": {"type": "string"},
                "metadata": {"type": "object", "required": ["name", "namespace", "labels"]},
                "spec": _fields(**fields) | {"required": [name for name in spec if name[0] != "_"]},
            },
        }
    )


def _fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 1}
_LABELS = _fields(matchLabels={"type": "object", "minProperties": 1})
_ENDPOINT = _fields(
    port=_TEXT,
    path={"const": "/metrics"},
    interval={"type": "string", "pattern": "^[0-9]+[sm]$"},
    scheme={"enum": ["http", "https"]},
    tlsConfig=_fields(insecureSkipVerify={"type": "boolean"}),
    relabelings={"type": "array", "items": _fields(targetLabel=_TEXT, replacement=_TEXT)},
)
_RULE = _fields(record=_TEXT, alert=_TEXT, expr=_TEXT, labels={"type": "object"}, annotations={"type": "object"}) | {
    "required": ["expr"],
    "oneOf": [{"required": ["record"]}, {"required": ["alert", "labels", "annotations"]}],
}
_RULE["properties"]["for"] = _TEXT
_TRIGGER = _fields(
    type={"const": "prometheus"},
    metricType={"const": "AverageValue"},
    # KEDA's metadata are texts, numbers too.
    metadata=_fields(
        serverAddress=_TEXT,
        query=_TEXT,
        threshold={"type": "string", "pattern": "^[0-9]+$"},
        ignoreNullValues={"const": "false"},
    ),
)
CUSTOM = {
    "ServiceMonitor": _of(
        "monitoring.coreos.com/v1",
        selector=_LABELS,
        namespaceSelector=_fields(matchNames={"type": "array", "minItems": 1, "items": _TEXT}),
        podTargetLabels={"type": "array", "items": _TEXT},
        endpoints={"type": "array", "minItems": 1, "items": _ENDPOINT},
    ),
    "PrometheusRule": _of(
        "monitoring.coreos.com/v1",
        groups={
            "type": "array",
            "minItems": 1,
            "items": _fields(name=_TEXT, rules={"type": "array", "minItems": 1, "items": _RULE}),
        },
    ),
    "ScaledObject": _of(
        "keda.sh/v1alpha1",
        scaleTargetRef=_fields(apiVersion=_TEXT, kind=_TEXT, name=_TEXT),
        minReplicaCount=_COUNT,
        maxReplicaCount=_COUNT,
        pollingInterval=_COUNT,
        advanced=_fields(horizontalPodAutoscalerConfig=_fields(behavior={"type": "object"})),
        triggers={"type": "array", "minItems": 1, "items": _TRIGGER},
    ),
}
