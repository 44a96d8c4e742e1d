"""Prometheus's configuration and rules, by promtool."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components import build
from tests.monitoring.promtool import ROOT, promtool
from tests.observe.prometheus.scraping import scrape
from vgate.config import get_config
from vgate.observe.prometheus import PrometheusObserver
from vgate.percentile import minimum_n

MONITORING = ROOT / "monitoring"
HERE = Path(__file__).parent


def rules(kind: str) -> list[dict[str, Any]]:
    files = sorted((MONITORING / "rules").glob("*.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


ALERTS = {rule["alert"]: rule for rule in rules("alert")}


def test_the_configuration_is_one() -> None:
    for name in ("prometheus.yml", "prometheus.compose.yml"):
        assert "SUCCESS: 2 rule files found" in promtool("check", "config", MONITORING / name)


@pytest.mark.parametrize("name", ["alerts_test.yml", "workers_test.yml", "recording_test.yml"])
def test_rules_do_what_is_expected_of_them(name: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", HERE / name)


def test_a_wrong_expectation_is_found(tmp_path: Path) -> None:
    """The test above can fail."""
    text = (HERE / "recording_test.yml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("../../monitoring", str(MONITORING)).replace("value: 0.2}", "value: 0.3}"))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", wrong)


def test_every_alert_is_seen_to_fire_and_not_to_fire() -> None:
    names = ("alerts_test.yml", "workers_test.yml")
    files = [yaml.safe_load((HERE / name).read_text(encoding="utf-8")) for name in names]
    checks = [check for file in files for test in file["tests"] for check in test["alert_rule_test"]]
    for fires in (True, False):
        assert {check["alertname"] for check in checks if bool(check["exp_alerts"]) is fires} == set(ALERTS)


def series(instance: str, ready: str) -> list[dict[str, str]]:
    """What a server tells in an hour in which nobody asks it anything, and how `ready` goes meanwhile."""
    observer = PrometheusObserver()
    observer.follow(build("engine", "dry_run"), build("embedding", "dry_run"))
    found = [{"series": f'up{{job="vgate", instance="{instance}"}}', "values": "1x240"}]
    for (name, labels), value in scrape(observer).items():
        told = ", ".join(f'{key}="{text}"' for key, text in (("job", "vgate"), ("instance", instance), *labels))
        values = ready if name == "vgate_engine_ready" else f"{value:g}x240"
        found.append({"series": f"{name}{{{told}}}", "values": values})
    return found


def test_nobody_is_woken_by_a_server_that_idles_nor_by_one_that_loads_for_ten_minutes(tmp_path: Path) -> None:
    """Ten minutes are `start_timeout_s`."""
    minutes = (1, 5, 9, 11, 16, 30, 59)
    checks = [{"eval_time": f"{at}m", "alertname": name, "exp_alerts": []} for at in minutes for name in ALERTS]
    servers = [*series("idles:8000", "1x240"), *series("loads:8000", "0x40 1x200")]
    test = {"interval": "15s", "input_series": servers, "alert_rule_test": checks}
    path, files = tmp_path / "idle.yml", [str(MONITORING / "rules/*.yml")]
    path.write_text(yaml.safe_dump({"rule_files": files, "evaluation_interval": "15s", "tests": [test]}))
    assert "SUCCESS" in promtool("test", "rules", path)
    assert get_config("engine=vllm").engine.start_timeout_s == 600.0


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alert_says_what_and_why_and_waits_as_long_as_it_says(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert "$labels.instance" in rule["annotations"]["summary"]
    assert rule["for"] in ("0m", "1m", "2m", "5m", "15m")


def test_quantiles_are_recorded_for_as_many_requests_as_they_need() -> None:
    recorded = [rule for rule in rules("record") if "quantile" in rule.get("labels", {})]
    assert len(recorded) == 9
    for rule in recorded:
        quantile = float(rule["labels"]["quantile"])
        assert f"histogram_quantile({quantile:g}," in rule["expr"]
        assert rule["expr"].strip().endswith(f">= {minimum_n(quantile * 100)}")


def test_the_target_is_that_of_slo_chat() -> None:
    target = next(rule["expr"] for rule in rules("record") if rule["record"] == "vgate:ttft_p99_target_seconds")
    chat = yaml.safe_load((ROOT / "conf/slo/chat.yaml").read_text(encoding="utf-8"))
    assert target == f"vector({chat['ttft_ms'] / 1000:g})"


def test_the_server_that_is_scraped_is_where_a_gateway_listens() -> None:
    scraped = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert [job["job_name"] for job in scraped] == ["vgate"]
    assert scraped[0]["static_configs"][0]["targets"] == [f"localhost:{get_config().server.port}"]
