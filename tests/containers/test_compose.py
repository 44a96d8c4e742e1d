"""docker-compose.yml: of the form that Compose takes, and each of its gateways is configured in V-Gate's own words."""

import json
import shlex
import tomllib
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from tests.containers.dockerfile import ROOT, stages
from vgate.config import Settings, compose

FILE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(FILE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: The target of the Dockerfile of which each image is made.
BUILT = {service["image"]: service["build"]["target"] for service in SERVICES.values() if "build" in service}
GATEWAYS = [name for name, service in SERVICES.items() if service["image"] in BUILT]
SECRET = "sk-0123456789abcdef"
SPOILED = [
    ("retries: 3", "retries: often"),
    ("condition: service_healthy", "condition: fine"),
    ("init: true", "int: true"),
]


def check(text: str) -> None:
    """Raises ValueError where it is not as the Compose Specification says. YAML's merges are resolved before."""
    compose_spec.PyCompose.from_json(json.dumps(yaml.safe_load(text)))


def settings(name: str, folder: Path) -> Settings:
    """What the gateway of a service starts with. Its secrets lie in a folder of the test's."""
    service = SERVICES[name]
    image = stages()[BUILT[service["image"]]]
    for secret in service["secrets"]:
        (folder / secret).write_text(f"{SECRET}-{secret}\n", encoding="utf-8")
    there = [str(text).replace("/run/secrets", str(folder)) for text in service["command"]]
    given = image.environment() | {key: str(value) for key, value in service["environment"].items()}
    environ = {
        key: value.replace("/run/secrets", str(folder)) for key, value in given.items() if key.startswith("VGATE_")
    }
    return compose("serve", there, environ).settings


def test_the_file_is_as_the_compose_specification_says() -> None:
    check(FILE)
    for good, bad in SPOILED:
        assert good in FILE
        with pytest.raises(ValueError):  # noqa: PT011  each is another
            check(FILE.replace(good, bad))


def test_there_are_the_services_that_the_readme_names_under_their_profiles() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    scale = {name: ["scale"] for name in ("gateway", "worker-1", "worker-2", "redis")}
    monitoring = {name: ["monitoring"] for name in ("prometheus", "grafana")}
    assert profiles == {"vgate": [], "vgate-cpu": ["cpu"], **scale, **monitoring}


@pytest.mark.parametrize("name", GATEWAYS)
def test_each_gateway_composes_listens_to_all_and_asks_for_a_key_from_a_file(name: str, tmp_path: Path) -> None:
    found = settings(name, tmp_path)
    assert (found.server.host, found.server.port) == ("0.0.0.0", 8000)  # noqa: S104  inside
    assert [bool(key.key_file) for key in found.security.api_keys] == [True]  # type: ignore[union-attr]
    assert SECRET not in FILE + str(found)


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_gateway_is_stopped_no_sooner_than_its_streams_may_take(name: str, tmp_path: Path) -> None:
    grace = settings("vgate-cpu", tmp_path).server.shutdown_grace_s
    assert float(SERVICES[name]["stop_grace_period"].removesuffix("s")) > grace


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_gateway_is_built_here_and_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert service["image"].endswith(f":{version}")
    assert BUILT[service["image"]] in stages()
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "user", "network_mode", "pid"} & service.keys()


def test_no_two_services_build_the_same_image_and_who_builds_none_waits_for_who_does() -> None:
    builders = {service["image"]: name for name, service in SERVICES.items() if "build" in service}
    assert len(builders) == sum("build" in service for service in SERVICES.values())
    for name in set(GATEWAYS) - set(builders.values()):
        assert SERVICES[name]["pull_policy"] == "never"
        assert SERVICES[name]["profiles"] == SERVICES[builders[SERVICES[name]["image"]]]["profiles"]


def test_every_port_is_open_to_this_machine_alone_and_once() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    outside = [port.split(":")[1] for port in ports]
    assert len(outside) == len(set(outside))


def test_everything_that_is_mounted_is_there() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], (name, mount)


@pytest.mark.parametrize("name", GATEWAYS)
def test_healthy_is_who_can_serve(name: str) -> None:
    """Asked with the Python that the image itself asks with, of which vLLM's has no other name."""
    image = stages()[BUILT[SERVICES[name]["image"]]]
    module = image.words("HEALTHCHECK")[1:]
    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "python3", *module, "/ready"]


def test_every_secret_is_a_file_that_git_does_not_take() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    assert {entry["file"] for entry in COMPOSE["secrets"].values()} == {f"./secrets/{name}" for name in used}
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_who_is_named_is_there_and_can_be_reached() -> None:
    gateway = SERVICES["gateway"]
    for name in gateway["depends_on"]:
        assert "healthcheck" in SERVICES[name]
        assert set(SERVICES[name]["networks"]) & set(gateway["networks"])
    text = " ".join(gateway["command"])
    assert all(f"//{name}:" in text for name in ("worker-1", "worker-2", "redis"))
    assert {name for service in SERVICES.values() for name in service.get("networks", [])} <= {"default", "inside"}


def test_prometheus_watches_every_gateway_and_differs_from_the_other_in_nothing_else() -> None:
    mine, other = (
        yaml.safe_load((ROOT / "monitoring" / name).read_text(encoding="utf-8"))
        for name in ("prometheus.compose.yml", "prometheus.yml")
    )
    found = mine["scrape_configs"][0].pop("dns_sd_configs")[0]
    assert (set(found["names"]), found["port"]) == (set(GATEWAYS), 8000)
    assert other["scrape_configs"][0].pop("static_configs")
    assert mine == other
    assert {*SERVICES["prometheus"]["networks"]} == {"default", "inside"}


def test_the_commands_at_its_top_name_its_services() -> None:
    lines = [line for line in FILE.splitlines() if line.startswith("#   docker compose")]
    assert len(lines) == 4
    for line in lines:
        words = shlex.split(line.partition("up")[2], comments=True)
        named = [word for word in words if not word.startswith("-")]
        wanted = [profile for name in named for profile in SERVICES[name].get("profiles", [])]
        assert set(wanted) == set(line.partition(" up")[0].split("--profile ")[1:])
