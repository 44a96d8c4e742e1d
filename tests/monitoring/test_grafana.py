"""The Grafana dashboard against a real server's `/metrics`."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from scripts.grafana import DASHBOARD, FOLDER, PANELS, QUANTILES, text
from tests.monitoring.promql import grouped_by, selectors
from tests.monitoring.promtool import ROOT, promtool
from tests.servers import running
from vgate.percentile import minimum_n

# Added by Prometheus to everything that it scrapes.
SCRAPED = {"job", "instance"}
ANY = {"$__rate_interval": "1m", "$window": "5m", "$instance": ".+"}
# Told only by a server that has the part, with what it needs installed; the file that makes it.
ELSEWHERE = {"vgate_spans_dropped_total": "vgate/tracing/otlp.py"}
CHAT = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


QUERIES = [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]
OWN = [pair for pair in QUERIES if "vllm:" not in pair[1] and not any(name in pair[1] for name in ELSEWHERE)]


@pytest.fixture(scope="module")
def exposition() -> str:
    """What a server tells after some traffic of every kind, and then a gateway in front of it."""
    settings = ("+preset=dry_run", "cache=lru", "dedup=single_flight", "batch=lockstep")
    with running(*settings) as server, httpx.Client(base_url=server.base_url, timeout=20) as client:
        for body in ({**CHAT, "stream": True}, CHAT, CHAT, {**CHAT, "nonsense": 1}):
            client.post("/v1/chat/completions", json=body)
        client.post("/v1/completions", json={"prompt": "hi", "max_tokens": 4})
        client.post("/v1/embeddings", json={"input": ["a", "b"]})
        with running("engine=upstream", f"engine.workers=['{server.base_url}']") as gateway:
            httpx.post(f"{gateway.base_url}/v1/chat/completions", json={**CHAT, "model": "tiny"}, timeout=20)
            return client.get("/metrics").text + httpx.get(f"{gateway.base_url}/metrics", timeout=20).text


@pytest.fixture(scope="module")
def labels(exposition: str) -> dict[str, set[str]]:
    """By name of a sample, its labels."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize(("title", "query"), OWN)
def test_a_query_names_what_the_server_tells(title: str, query: str, labels: dict[str, set[str]]) -> None:
    asked = list(selectors(query))
    assert asked
    known: set[str] = set(SCRAPED)
    for metric, matched in asked:
        assert metric in labels, f"{title}: {metric}"
        assert matched <= labels[metric] | SCRAPED, f"{title}: {metric} has no {matched - labels[metric] - SCRAPED}"
        assert matched >= SCRAPED, f"{title}: {metric} is not of the server that is looked at"
        known |= labels[metric]
    assert grouped_by(query) <= known, f"{title}: nothing has {grouped_by(query) - known}"


def test_rules_name_what_the_server_tells(labels: dict[str, set[str]]) -> None:
    rules = [rule for path in (ROOT / "monitoring/rules").glob("*.yml") for rule in _rules(path)]
    asked = {name for rule in rules for name in re.findall(r"(?<![\w:])vgate_\w+", rule["expr"])}
    assert len([name for name in asked if name.startswith("vgate_worker_")]) == 5
    assert asked <= labels.keys()


def _rules(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_line_is_called_by_labels_that_it_has(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        aggregated = re.search(r"\b(sum|max|min|avg)\b", target["expr"])
        assert named <= (grouped_by(target["expr"]) if aggregated else SCRAPED)


def test_every_metric_of_the_server_has_a_panel(exposition: str) -> None:
    """Of the process's too. When counting began, `_created`, is of no interest by itself."""
    families = {
        name for name in re.findall(r"^# TYPE (\S+) ", exposition, re.MULTILINE) if not name.endswith("_created")
    }
    assert len([name for name in families if name.startswith("vgate_")]) > 25
    shown = {metric for _, query in QUERIES for metric, _ in selectors(query)}
    shown |= {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in shown}
    assert families - shown == set()


def test_what_vllm_is_asked_for_is_in_vllm() -> None:
    """Its metrics are made where its engine is; that file names them."""
    spec = importlib.util.find_spec("vllm")
    assert spec is not None
    assert spec.origin is not None
    source = (Path(spec.origin).parent / "v1/metrics/loggers.py").read_text(encoding="utf-8")
    named = set(re.findall(r'name="(vllm:\w+)"', source))
    asked = {
        metric.removesuffix("_total") for _, query in QUERIES for metric, _ in selectors(query) if "vllm:" in metric
    }
    assert asked
    assert asked <= named


@pytest.mark.parametrize(("metric", "path"), ELSEWHERE.items())
def test_what_only_some_servers_tell_is_made_where_it_is_said(metric: str, path: str) -> None:
    assert any(metric in query for _, query in QUERIES)
    assert f'"{metric.removesuffix("_total")}"' in (ROOT / path).read_text(encoding="utf-8")


def test_every_query_can_be_read(tmp_path: Path) -> None:
    rules = []
    for number, (_title, query) in enumerate(QUERIES):
        for variable, value in ANY.items():
            query = query.replace(variable, value)  # noqa: PLW2901
        assert "$" not in query
        rules.append({"record": f"panel:{number}", "expr": query})
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"SUCCESS: {len(QUERIES)} rules found" in promtool("check", "rules", path)


def test_the_dashboard_is_what_its_source_says() -> None:
    assert DASHBOARD.read_text(encoding="utf-8") == text(), "run: python scripts/grafana.py"


def test_panels_have_words_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    content = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in content["panels"]:
        grid = panel["gridPos"]
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert not cells & taken, panel["title"]
        assert grid["x"] + grid["w"] <= 24
        taken |= cells
        assert panel["type"] == "row" or (panel["title"] and panel["description"] and panel["targets"])
    ids = [panel["id"] for panel in content["panels"]]
    assert len(ids) == len(set(ids))


def test_percentiles_are_shown_for_as_many_requests_as_they_need() -> None:
    assert {quantile: minimum_n(quantile * 100) for quantile, _ in QUANTILES} == dict(QUANTILES)
    quantiles = [query for _, query in QUERIES if "histogram_quantile" in query]
    assert len(quantiles) == 3 * PANELS.read_text(encoding="utf-8").count("quantiles: ")
    assert all(re.search(r">= (7|44|459)$", query) for query in quantiles)


def test_provisioning_leads_to_the_dashboard() -> None:
    """The provider's folder is where the README's command puts the file; the source's interval is that of scrapes."""
    provisioned = FOLDER / "provisioning"
    provider = yaml.safe_load((provisioned / "dashboards/vgate.yml").read_text(encoding="utf-8"))["providers"][0]
    readme = (ROOT / "monitoring/README.md").read_text(encoding="utf-8")
    assert f"monitoring/grafana/dashboards:{provider['options']['path']}:ro" in readme
    assert "monitoring/grafana/provisioning:/etc/grafana/provisioning:ro" in readme
    source = yaml.safe_load((provisioned / "datasources/prometheus.yml").read_text(encoding="utf-8"))["datasources"][0]
    scrape = yaml.safe_load((ROOT / "monitoring/prometheus.yml").read_text(encoding="utf-8"))["global"]
    assert source["jsonData"]["timeInterval"] == scrape["scrape_interval"]
    assert "PROMETHEUS_URL" in readme
