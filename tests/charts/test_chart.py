"""The chart as a whole: Helm's linter, what it says of itself, what it shares with the rest of the tree."""

import re
import shlex
import tomllib
from typing import Any

import helm_python
import pytest
import yaml

from tests.charts import kubernetes
from tests.charts.chart import CHART, FILES, ROOT, find, objects, rendered, values

ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
README = (CHART / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_helm_finds_nothing(name: str) -> None:
    found = helm_python.lint(CHART, values(name), strict=True, namespace="serving")
    assert found["errors"] == []
    assert [m["error"] for m in found["messages"]] == ["icon is recommended"]


def test_helm_would_find_something() -> None:
    found = helm_python.lint(CHART, {"gateway": {"replicas": 0}}, strict=True)
    assert any("/gateway/replicas" in message["error"] for message in found["messages"])


def test_it_is_for_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ABOUT["appVersion"] == project["version"]
    assert kubernetes.VERSIONS[0] in ABOUT["kubeVersion"]


def test_rules_are_those_of_monitoring_to_the_byte() -> None:
    ours = {path.name: path.read_bytes() for path in (CHART / "files/rules").iterdir()}
    assert ours == {path.name: path.read_bytes() for path in (ROOT / "monitoring/rules").iterdir()}


def test_prometheus_gets_the_rules_as_they_are() -> None:
    found = find(objects(values(metrics__prometheusRule={"enabled": True})), "PrometheusRule")
    files = sorted((ROOT / "monitoring/rules").glob("*.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    assert found["spec"]["groups"] == groups


def test_prometheus_scrapes_under_the_job_of_the_rules() -> None:
    scraped = yaml.safe_load((ROOT / "monitoring/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    found = objects(values(metrics={"serviceMonitor": {"enabled": True}, "labels": {"release": "prometheus"}}))
    monitor = find(found, "ServiceMonitor", "chat-vgate")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": scraped[0]["job_name"]}]


def test_every_value_has_a_schema_and_every_default_fits_it() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    missing = list(_without_schema(schema, defaults, schema, ""))
    assert missing == []


def _without_schema(node: dict[str, Any], value: Any, schema: dict[str, Any], path: str) -> Any:
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if "properties" not in node or node.get("additionalProperties") is not False or "patternProperties" in node:
        return
    for key in set(node["properties"]) - {"global", "enabled"} if path == "" else []:
        if key not in value:
            yield f"{key} has no default"
    for key, inner in value.items():
        if key not in node["properties"]:
            yield f"{path}{key}"
        elif isinstance(inner, dict):
            yield from _without_schema(node["properties"][key], inner, schema, f"{path}{key}.")


def test_another_chart_may_have_it_as_a_dependency() -> None:
    """Whose switch, its `condition`, and whose `global` are among the values then."""
    assert objects(values(enabled=True, **{"global": {"region": "a"}})) == objects(values())


def test_notes_say_how_to_reach_it_and_warn_of_what_is_open() -> None:
    notes = rendered(values())["vgate/templates/NOTES.txt"]
    assert "port-forward service/chat-vgate 8000:80" in notes
    assert "Clients need no key" in notes
    keys = {"enabled": True, "keys": [{"name": "a", "hash": "sha256:" + 64 * "0"}]}
    closed = rendered(values(apiKeys=keys, admin={"enabled": True, "token": 16 * "t"}))["vgate/templates/NOTES.txt"]
    assert "Clients need no key" not in closed
    assert "counts limits for itself" in closed
    assert "8001:8001" in closed
    assert "without a key" in rendered(values(networkPolicy__enabled=False))["vgate/templates/NOTES.txt"]


def commands(word: str) -> list[list[str]]:
    """The README's lines that begin so, as a shell would take them apart."""
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith(word)]


@pytest.mark.parametrize("command", commands("helm install"), ids=" ".join)
def test_the_readmes_installations_render(command: list[str]) -> None:
    given: dict[str, Any] = {}
    options = iter(command[command.index("charts/vgate") + 1 :])
    for option in options:
        argument = next(options)
        if option == "-f":
            _merge(given, yaml.safe_load((ROOT / argument).read_text(encoding="utf-8")))
        elif option == "--set":
            _merge(given, helm_python.parse_set_string(argument))
        else:
            assert option in ("-n", "--namespace")
    for found in objects(given):
        kubernetes.check(found)


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def test_what_readme_and_notes_tell_kubectl_of_is_there() -> None:
    given = values(admin={"enabled": True, "token": 16 * "t"})
    made = {f"{o['kind'].lower()}/{o['metadata']['name']}" for o in objects(given, "vgate")}
    for text in (README, rendered(given, "vgate")["vgate/templates/NOTES.txt"]):
        told = set(re.findall(r"(?:service|deployment|statefulset)/[a-z-]+", text))
        assert len(told) >= 3
        assert told <= made


def test_the_readmes_values_render() -> None:
    blocks = re.findall(r"```yaml\n(# values.*?)```", README, re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        for found in objects(yaml.safe_load(block)):
            kubernetes.check(found)


def test_the_readme_explains_every_section_of_values() -> None:
    sections = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for section in sections.keys() - {"nameOverride", "fullnameOverride", "imagePullSecrets"}:
        assert f"`{section}" in README, section
