"""The Grafana dashboard from monitoring/grafana/panels.yaml: `python scripts/grafana.py` writes dashboards/vgate.json.

Grafana's classic JSON model, schema version 39, which Grafana 11 and later read. Not by Grafana's Foundation SDK: it
would be a dependency for one file.
"""

import json
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "monitoring/grafana"
PANELS, DASHBOARD = FOLDER / "panels.yaml", FOLDER / "dashboards/vgate.json"
OF = 'job="vgate", instance=~"$instance"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Requests below which a percentile is refused, as in vgate.percentile.
QUANTILES = ((0.5, 7), (0.9, 44), (0.99, 459))
WIDTH, HEIGHT = 8, 8
_TYPES = {
    "lines": "timeseries",
    "stack": "timeseries",
    "heatmap": "heatmap",
    "number": "stat",
    "table": "table",
}


def dashboard() -> dict[str, Any]:
    """The whole, as Grafana reads it."""
    content = yaml.safe_load(PANELS.read_text(encoding="utf-8"))
    return {
        "uid": "vgate",
        "title": content["title"],
        "tags": ["vgate"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "links": [],
        "panels": _placed(content["rows"]),
    }


def _variables() -> list[dict[str, Any]]:
    instances = "label_values(vgate_requests_in_flight, instance)"
    windows = ["1m", "5m", "15m", "1h"]
    options = [{"text": window, "value": window, "selected": window == "5m"} for window in windows]
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "instance",
            "label": "Server",
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": instances, "refId": "instances"},
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "current": {"text": ["All"], "value": ["$__all"]},
        },
        {
            "name": "window",
            "label": "Percentiles over",
            "type": "custom",
            "query": ",".join(windows),
            "options": options,
            "current": {"text": "5m", "value": "5m"},
        },
    ]


def _placed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All panels, three to a line, each row of them under its title."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        grid = {"x": 0, "y": y, "w": 24, "h": 1}
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": row["title"], "collapsed": False, "gridPos": grid}
        )
        panels[-1]["panels"] = []
        for number, panel in enumerate(row["panels"]):
            x, line = number % 3 * WIDTH, number // 3 * HEIGHT
            grid = {"x": x, "y": y + 1 + line, "w": WIDTH, "h": HEIGHT}
            panels.append({"id": len(panels) + 1, "gridPos": grid, **_panel(panel)})
        y += 1 + (len(row["panels"]) + 2) // 3 * HEIGHT
    return panels


def _panel(panel: dict[str, Any]) -> dict[str, Any]:
    draw = panel.get("draw", "lines")
    queries = panel["queries"] if "queries" in panel else _quantiles(panel)
    return {
        "type": _TYPES[draw],
        "title": panel["title"],
        "description": panel["about"],
        "datasource": SOURCE,
        "targets": [_target(number, words, query, draw) for number, (words, query) in enumerate(queries)],
        "fieldConfig": {"defaults": {"unit": panel.get("unit", "short"), "min": 0, **_drawn(draw)}, "overrides": []},
        "options": _options(draw, panel.get("unit", "short")),
        **({"transformations": _AS_TABLE} if draw == "table" else {}),
    }


def _quantiles(panel: dict[str, Any]) -> list[list[str]]:
    metric, by = panel["quantiles"], panel.get("by", "")
    of = ", ".join(filter(None, ["$of", panel.get("where", "")]))
    shown = f" {{{{{by}}}}}" if by else ""
    return [
        [f"p{quantile * 100:g}{shown}", _quantile(metric, of, by, quantile, least)] for quantile, least in QUANTILES
    ]


def _quantile(metric: str, of: str, by: str, quantile: float, least: int) -> str:
    grouped = f"le, {by}" if by else "le"
    value = f"histogram_quantile({quantile}, sum by ({grouped}) (rate({metric}_bucket{{{of}}}[$window])))"
    return f"{value} and on ({by}) sum by ({by}) (increase({metric}_count{{{of}}}[$window])) >= {least}"


def _target(number: int, words: str, query: str, draw: str) -> dict[str, Any]:
    shape = {"heatmap": {"format": "heatmap"}, "table": {"format": "table", "instant": True, "range": False}}
    return {
        "refId": chr(ord("A") + number),
        "datasource": SOURCE,
        "expr": query.replace("$of", OF),
        "legendFormat": words or "__auto",
        "editorMode": "code",
        "range": True,
        **shape.get(draw, {}),
    }


def _drawn(draw: str) -> dict[str, Any]:
    if _TYPES[draw] != "timeseries":
        return {}
    stacked = (
        {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 30} if draw == "stack" else {"fillOpacity": 5}
    )
    return {"custom": {"drawStyle": "line", "lineWidth": 1, "showPoints": "never", "spanNulls": False, **stacked}}


def _options(draw: str, unit: str) -> dict[str, Any]:
    if draw == "heatmap":
        color = {"mode": "scheme", "scheme": "Blues", "steps": 64, "reverse": False}
        return {
            "calculate": False,
            "color": color,
            "yAxis": {"unit": unit},
            "cellValues": {"unit": "short"},  # counts, whatever the buckets are of
            "tooltip": {"mode": "single"},
            "cellGap": 1,
        }
    if _TYPES[draw] == "timeseries":
        legend = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if draw == "number":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "none"}
    return {"showHeader": True}


_AS_TABLE = [{"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}}}]


def text() -> str:
    """What is in the file."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DASHBOARD.write_text(text(), encoding="utf-8")
