"""A server as its container would find it: files, variables; without a container."""

import re
from pathlib import Path
from typing import Any

from tests.charts.chart import ROOT, Object, find, kept, kinds, server_of


def environment(
    found: list[Object], pod: Object, folder: Path, outside: dict[str, dict[str, str]] | None = None
) -> dict[str, str]:
    """The variables of V-Gate's own, and below `folder` the files of the pod's ConfigMaps and Secrets.

    outside: what is in Secrets that others made. Places in /etc/vgate are places in `folder`.
    """
    made = {o["metadata"]["name"]: kept(o) for o in kinds(found, "Secret")} | (outside or {})
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    for mount in server_of(pod)["volumeMounts"]:
        content = _content(found, volumes.get(mount["name"], {}), made)
        for name, text in content.items():
            path = folder / mount["mountPath"].lstrip("/") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_moved(text, folder), encoding="utf-8")
    own = {v["name"]: _moved(_value(v, made), folder) for v in server_of(pod)["env"]}
    return {name: value for name, value in (image() | own).items() if name.startswith("VGATE_")}


def image() -> dict[str, str]:
    """V-Gate's variables that the images set."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in dockerfile.splitlines() if line.startswith("ENV ")]
    return dict(found for line in lines for found in re.findall(r"(VGATE_\w+)=(\S+)", line))


def _content(found: list[Object], volume: dict[str, Any], made: dict[str, dict[str, str]]) -> dict[str, str]:
    if "configMap" in volume:
        return find(found, "ConfigMap", volume["configMap"]["name"])["data"]
    if "secret" not in volume:
        return {}
    there = made[volume["secret"]["secretName"]]
    items = volume["secret"].get("items", [{"key": key, "path": key} for key in there])
    return {item["path"]: there[item["key"]] for item in items}


def _value(variable: dict[str, Any], made: dict[str, dict[str, str]]) -> str:
    if "value" in variable:
        return variable["value"]
    reference = variable["valueFrom"]["secretKeyRef"]
    return made[reference["name"]][reference["key"]]


def _moved(text: str, folder: Path) -> str:
    return text.replace("/etc/vgate/", f"{folder}/etc/vgate/")
