"""Who reaches whom."""

from tests.charts.chart import NAMESPACE, find, objects, pods, values

MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def peers(found: list, name: str) -> list:
    rule = find(found, "NetworkPolicy", name)["spec"]["ingress"]
    assert len(rule) == 1
    assert find(found, "NetworkPolicy", name)["spec"]["policyTypes"] == ["Ingress"]
    return rule[0].get("from", [])


def who(found: list, peer: dict) -> list[str]:
    """The release's own pods that a peer of this namespace lets in."""
    wanted = peer.get("podSelector", {}).get("matchLabels", {}).items()
    return [name for name, pod in pods(found).items() if wanted and wanted <= pod["metadata"]["labels"].items()]


def test_workers_and_redis_are_reached_by_gateways_alone() -> None:
    found = objects(values("scale"))
    own, monitoring = peers(found, "chat-vgate-workers")
    assert (who(found, own), monitoring) == (["chat-vgate"], MONITORING)
    (only,) = peers(found, "chat-vgate-redis")
    assert who(found, only) == ["chat-vgate"]


def test_gateways_are_reached_by_everybody_unless_values_say_by_whom() -> None:
    assert peers(objects(values()), "chat-vgate") == []
    web = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "web"}}}
    found = objects(values(networkPolicy__clients=[web]))
    assert peers(found, "chat-vgate")[:2] == [web, MONITORING]
    # `helm test` asks from a pod of its own.
    assert who(found, peers(found, "chat-vgate")[2]) == ["chat-vgate-test"]


def test_without_policies_there_are_none() -> None:
    assert "NetworkPolicy" not in {o["kind"] for o in objects(values("scale", networkPolicy__enabled=False))}


def test_the_admin_port_is_of_no_service() -> None:
    found = objects(values(admin__enabled=True, admin__token="t" * 16))
    assert "8001" not in str([o for o in found if o["metadata"]["namespace"] == NAMESPACE and o["kind"] != "Secret"])
