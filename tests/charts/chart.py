"""The chart, rendered by Helm's own engine; nothing is asked of a cluster."""

import base64
import copy
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/vgate"
RELEASE, NAMESPACE = "chat", "serving"
#: Values of the chart's own, and for what.
FILES = {"default": None, "cpu": "values-cpu.yaml", "gpu-3060": "values-gpu-3060.yaml", "scale": "values-scale.yaml"}

Object = dict[str, Any]


def values(name: str = "default", **changes: Any) -> dict[str, Any]:
    """One of FILES, with these put over it; `__` stands for a dot."""
    file = FILES[name]
    found = yaml.safe_load((CHART / file).read_text(encoding="utf-8")) if file else {}
    for key, value in changes.items():
        put(found, key.split("__"), value)
    return found


def put(mapping: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a value at that place, and what is missing on the way to it."""
    *way, last = path
    for part in way:
        mapping = mapping.setdefault(part, {})
    both = isinstance(mapping.get(last), dict) and isinstance(value, dict)
    mapping[last] = {**mapping[last], **value} if both else value


@cache
def _chart() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)


def rendered(given: dict[str, Any], release: str = RELEASE) -> dict[str, str]:
    """Text by template."""
    return _chart().render(given, name=release, namespace=NAMESPACE)


def objects(given: dict[str, Any], release: str = RELEASE) -> list[Object]:
    """What `helm install` would make, its tests among it."""
    texts = [text for name, text in sorted(rendered(given, release).items()) if name.endswith(".yaml")]
    return [copy.deepcopy(found) for text in texts for found in _parsed(text)]


@cache
def _parsed(text: str) -> tuple[Object, ...]:
    return tuple(found for found in yaml.load_all(text, Loader=_Strict) if found)


class _Strict(yaml.CSafeLoader):
    """Kubernetes takes no key twice; PyYAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(set(names)) == len(names), f"a key is there twice: {names}"
        return super().construct_mapping(node, deep)


def refused(given: dict[str, Any]) -> str:
    """What Helm says of such values."""
    with pytest.raises(helm_python.HelmError) as caught:
        rendered(given)
    return str(caught.value)


def find(found: list[Object], kind: str, name: str = "") -> Object:
    """The one object of that kind, or of that kind and name."""
    (one,) = [o for o in found if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return one


def kinds(found: list[Object], *wanted: str) -> list[Object]:
    return [o for o in found if o["kind"] in wanted]


def pods(found: list[Object]) -> dict[str, Object]:
    """Pod templates (and pods) by the name of what makes them."""
    made = {o["metadata"]["name"]: o["spec"]["template"] for o in kinds(found, "Deployment", "StatefulSet")}
    return made | {o["metadata"]["name"]: o for o in kinds(found, "Pod")}


def kept(secret: Object) -> dict[str, str]:
    """What is in a Secret of the chart's."""
    return {name: base64.b64decode(text, validate=True).decode() for name, text in secret["data"].items()}


def server_of(pod: Object) -> Object:
    """Its one container."""
    (container,) = pod["spec"]["containers"]
    return container
