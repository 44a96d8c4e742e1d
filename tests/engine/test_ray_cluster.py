"""What is made of Ray Serve's answers, with a stand-in for Serve; with Ray itself: test_ray_live."""

import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from vgate.config import tree
from vgate.errors import EngineStartError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own
    from vgate.engine import ray_cluster
    from vgate.engine.ray_cluster import Cluster

TOLD = """The deployment failed to start 3 times in a row. Error:
Traceback (most recent call last):
  File "worker.py", line 1, in f
RuntimeError: model.model_id = 'x' is not a folder here
"""


class Serve:
    """In the place of `ray.serve`: the deployments by application, and the replicas' answers."""

    def __init__(self, **apps: str) -> None:
        self.apps: dict[str, Any] = {}
        self.deployed = 0
        self.answers: Any = []
        for name, deployment in apps.items():
            self._app(name, deployment)

    def _app(self, name: str, deployment: str, message: str = "") -> None:
        told = {deployment: SimpleNamespace(message=message)}
        self.apps[name] = SimpleNamespace(deployments=told, status="DEPLOY_FAILED", message="")

    def start(self, **_: Any) -> None:
        """It runs already."""

    def status(self) -> Any:
        return SimpleNamespace(applications=self.apps)

    def get_app_handle(self, _name: str) -> Any:
        return self

    def broadcast(self, _method: str) -> Any:
        return self

    def results(self, **_: Any) -> Any:
        if not self.apps:
            raise RuntimeError("no such deployment")
        return self.answers

    def deployment(self, **_: Any) -> Any:
        return lambda _class: SimpleNamespace(bind=lambda *_: None)

    def RunTarget(self, _application: Any, name: str, **_: Any) -> str:
        return name

    def run_many(self, targets: list[str], **_: Any) -> list[Any]:
        self.deployed += 1
        self._app(targets[0], "replica", TOLD)
        return [self]


def cluster(monkeypatch: pytest.MonkeyPatch, serve: Serve, **ray: Any) -> Cluster:
    monkeypatch.setattr(ray_cluster, "serve", serve)
    return Cluster({**tree.option_text("ray", "default"), "address": "a:1", **ray}, {}, None)


def test_another_application_of_that_name_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    serve = Serve(vgate="Other")
    with pytest.raises(EngineStartError, match=r"'vgate' \(ray.app\) is an application of another kind"):
        cluster(monkeypatch, serve).deploy()
    assert serve.deployed == 0


def test_replicas_just_as_they_would_be_are_shared_and_others_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    serve = Serve(vgate="replica")
    made = cluster(monkeypatch, serve)
    serve.answers = [made._arguments()[0]]
    made.deploy()
    assert serve.deployed == 0
    monkeypatch.setattr(ray_cluster, "__version__", "9.9")
    made.deploy()
    assert serve.deployed == 1


def test_replicas_that_another_gateway_has_taken_down_are_deployed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    serve = Serve()
    made = cluster(monkeypatch, serve)
    made.deploy()
    serve.answers = [("b", "http://h:2", "k"), TimeoutError(), ("a", "http://h:1", "l")]
    assert made.replicas() == {"a": ("http://h:1", "l"), "b": ("http://h:2", "k")}
    serve.apps.clear()
    with pytest.raises(OSError, match=r"RuntimeError: model.model_id"):
        made.replicas()
    assert serve.deployed == 2


def test_when_serve_itself_does_not_answer_ray_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    serve = Serve()
    made = cluster(monkeypatch, serve)
    made.deploy()
    serve.apps.clear()
    monkeypatch.setattr(serve, "status", lambda: 1 / 0)
    with pytest.raises(EngineStartError, match="Ray Serve does not answer"):
        made.replicas()


def test_why_no_replica_could_be_started_is_its_own_last_error(monkeypatch: pytest.MonkeyPatch) -> None:
    made = cluster(monkeypatch, Serve())
    made.deploy()
    with pytest.raises(EngineStartError) as caught:
        made.running()
    assert str(caught.value) == "no replica could be started: model.model_id = 'x' is not a folder here"


@pytest.mark.parametrize(
    ("ray", "words"),
    [
        ({"num_replicas": 3, "num_cpus": 1.0}, r"ray.num_replicas = 3 with ray.num_cpus = 1 each needs 3 CPUs"),
        ({"num_cpus": 0, "num_gpus": 0.5}, r"needs 0.5 GPUs, and Ray counts 0 on this machine"),
    ],
)
def test_more_than_the_machine_has_is_refused(monkeypatch: pytest.MonkeyPatch, ray: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cluster(monkeypatch, Serve(), **ray)._check_room({"CPU": 2.0})
    cluster(monkeypatch, Serve(), num_replicas=2)._check_room({"CPU": 2.0})


def test_an_error_is_told_whole_but_for_its_traceback() -> None:
    mismatch = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.59.0\n    Python: 3.12.1")
    told = ray_cluster._without_traceback(mismatch)
    assert told == "Version mismatch: The cluster was started with: Ray: 2.59.0 Python: 3.12.1"
    assert ray_cluster._without_traceback(RuntimeError('it failed\n  File "x.py", line 1')) == "it failed"
