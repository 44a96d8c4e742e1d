"""Ray and Ray Serve: started or joined, the replicas deployed, and all of it taken down again."""

import contextlib
import hashlib
import json
import logging
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.serve.schema import ApplicationStatus

from vgate import __version__
from vgate.config.errors import one_line
from vgate.engine.ray_replica import Replica
from vgate.engine.ray_scaling import scale
from vgate.errors import EngineStartError

logger = logging.getLogger(__name__)

_DEPLOYMENT = "replica"
# Nothing of ours is put into it; Ray would set aside a third of the memory.
_OBJECT_STORE_BYTES = 100 << 20
_TRACEBACK = re.compile(r"Traceback \(|\n\s*File \"")
_TELL_LIMIT_S = 5.0
_KNOCK_LIMIT_S = 10.0
_CONSTRUCTIONS = 3


class Cluster:
    """All calls block, and come from one thread, which lives as long as what `connect` has started.

    What they return goes through JSON. settings: the section `ray`. replica: the settings of each replica.
    folder: for the files of a Ray of our own.
    """

    def __init__(self, settings: dict[str, Any], replica: dict[str, Any], folder: str | None) -> None:
        self._settings = settings
        self._replica = replica
        self._own = settings["address"] is None
        self._folder = folder
        self._handle: Any = None
        self._ran = False

    def connect(self) -> str:
        """Start or join Ray; where its own pages are, "" where there are none. Raises EngineStartError."""
        try:
            return self._connect()
        except Exception as error:  # noqa: BLE001  Ray raises what it likes
            raise EngineStartError(f"Ray could not be {self._how()}: {_without_traceback(error)}") from None

    def deploy(self) -> None:
        """Have the replicas started; they are not there yet. Raises EngineStartError."""
        try:
            serve.start(proxy_location="Disabled")
            self._handle = self._found() or self._deployed()
        except Exception as error:  # noqa: BLE001  see connect
            raise EngineStartError(f"Ray Serve does not take the replicas: {_without_traceback(error)}") from None

    def running(self) -> bool:
        """Whether all replicas are there. Raises EngineStartError when they cannot be."""
        app = self._status()
        if app is not None and app.status == ApplicationStatus.DEPLOY_FAILED:
            raise EngineStartError(f"no replica could be started: {_cause(self._message())}")
        self._ran = app is not None and app.status == ApplicationStatus.RUNNING
        return self._ran

    def told(self) -> str:
        """What Serve says of the replicas, in one line; "" as long as it says nothing."""
        return one_line(self._message())

    def _message(self) -> str:
        app = self._status()
        if app is None:
            return ""
        of_replicas = [deployment.message for deployment in app.deployments.values() if deployment.message]
        return "; ".join(of_replicas) or str(app.message)

    def replicas(self) -> dict[str, tuple[str, str]]:
        """URL and key of those that run now, by id. One that does not answer is left out.

        Raises OSError when there are none to ask, and EngineStartError when Serve itself does not answer.
        """
        try:
            answers = self._handle.broadcast("address").results(timeout_s=_TELL_LIMIT_S, return_exceptions=True)
        except Exception as error:  # noqa: BLE001  Ray raises what it likes
            if self._status() is None:
                self.deploy()  # another gateway has taken them down, as it stopped
            why = _cause(self._message()) or _without_traceback(error)
            raise OSError(f"{type(error).__name__}: {why}") from None
        told = sorted(answer for answer in answers if isinstance(answer, tuple))
        self._ran = self._ran or bool(told)
        return {replica: (url, key) for replica, url, key in told}

    def stop(self) -> list[str]:
        """End what was started here: the replicas, unless they are to stay, and Ray where it is our own.

        What goes wrong then does not keep the rest from ending; it is returned.
        """
        steps = (self._take_down, ray.shutdown) if ray.is_initialized() else ()
        return [problem for step in steps if (problem := _problem(step))]

    def abandon(self) -> None:
        """As after a gateway's death: on a cluster the replicas stay, for the one that is started in its place."""
        if self._own:
            self.stop()
        if self._folder is not None:
            shutil.rmtree(Path(self._folder).parent, ignore_errors=True)

    def _status(self) -> Any:
        """An ApplicationStatusOverview; None when Serve knows no such application. Raises EngineStartError."""
        try:
            return serve.status().applications.get(self._settings["app"])
        except Exception as error:  # noqa: BLE001  see connect
            raise EngineStartError(f"Ray Serve does not answer: {_without_traceback(error)}") from None

    def _connect(self) -> str:
        # What it says while all is well: that it has started, and is the one that has.
        logging.getLogger("ray").setLevel(logging.ERROR)
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        common: dict[str, Any] = {"namespace": "vgate", "configure_logging": False, "log_to_driver": True}
        if not self._own:
            _knock(self._settings["address"])
            ray.init(self._settings["address"], **common)
            return ""
        assert self._folder is not None
        started = ray.init(
            "local",
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=self._settings["dashboard"],
            _temp_dir=self._folder,
            **common,
        )
        self._check_room(ray.cluster_resources())  # type: ignore[no-untyped-call]
        return f"http://{started.dashboard_url}" if self._settings["dashboard"] else ""

    def _check_room(self, machine: dict[str, float]) -> None:
        """Raises ValueError for more than this machine has: Ray would wait for other machines."""
        settings = self._settings
        replicas = settings["num_replicas"]
        for name, key in (("CPU", "num_cpus"), ("GPU", "num_gpus")):
            needed, there = replicas * settings[key], machine.get(name, 0.0)
            if needed > there:
                each = f"ray.num_replicas = {replicas} with ray.{key} = {settings[key]:g} each"
                raise ValueError(f"{each} needs {needed:g} {name}s, and Ray counts {there:g} on this machine")

    def _found(self) -> Any:
        """The handle of replicas that run already, just as they would be deployed: of another gateway, or kept.

        Raises ValueError for an application that is somebody else's.
        """
        name = self._settings["app"]
        there = serve.status().applications.get(name)
        if there is None:
            return None
        if there.deployments.keys() - {_DEPLOYMENT}:
            raise ValueError(f"{name!r} (ray.app) is an application of another kind there; choose another name")
        handle = serve.get_app_handle(name)
        digests = handle.broadcast("digest").results(timeout_s=_TELL_LIMIT_S, return_exceptions=True)
        return handle if set(digests) == {self._arguments()[0]} else None

    def _deployed(self) -> Any:
        """The handle of replicas that Serve starts now, one after the other in place of those that are there."""
        application = serve.deployment(**self._options())(Replica).bind(*self._arguments())
        target = serve.RunTarget(application, self._settings["app"], route_prefix=None)
        (handle,) = serve.run_many(
            [target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False
        )
        return handle

    def _arguments(self) -> tuple[Any, ...]:
        """Of a replica. The first says of two whether they are the same."""
        settings = self._settings
        host = "127.0.0.1" if self._own else None
        arguments = (self._replica, host, 2 * settings["poll_s"], settings["drain_s"])
        whole = json.dumps([__version__, arguments, self._options()], sort_keys=True)
        return (hashlib.sha256(whole.encode()).hexdigest(), *arguments)

    def _options(self) -> dict[str, Any]:
        """Of the deployment."""
        settings = self._settings
        return {
            "name": _DEPLOYMENT,
            "ray_actor_options": {"num_cpus": settings["num_cpus"], "num_gpus": settings["num_gpus"]},
            "health_check_period_s": settings["health_period_s"],
            "graceful_shutdown_timeout_s": 2 * settings["poll_s"] + settings["drain_s"] + 10,
            "max_ongoing_requests": 1000,
            # Each question for addresses would be a line, which a cluster's workers send here.
            "logging_config": {"log_level": "WARNING", "enable_access_log": False},
            "max_constructor_retry_count": _CONSTRUCTIONS,
            **scale(settings),
        }

    def _take_down(self) -> None:
        if self._settings["keep_replicas"] or (self._own and not self._ran):
            return  # of our own, nobody waits for an answer of replicas that were not all there yet
        if self._handle is not None:
            with contextlib.suppress(Exception):  # then it takes a little longer
                self._handle.broadcast("hurry").results(timeout_s=_TELL_LIMIT_S, return_exceptions=True)
        if self._own:
            serve.shutdown()  # type: ignore[no-untyped-call]
        else:
            serve.delete(self._settings["app"])

    def _how(self) -> str:
        return "started" if self._own else f"joined at {self._settings['address']} (ray.address)"


def _knock(address: str) -> None:
    """Raises OSError when nobody is there: Ray would try for minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_LIMIT_S).close()


def _cause(told: str) -> str:
    """The last error in a message with a traceback, in one line."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line.removeprefix("RuntimeError: ") for line in lines if "Error: " in line]
    return one_line(errors[-1] if errors else " ".join(lines))[:500]


def _without_traceback(error: Exception) -> str:
    """In one line what Ray's errors say before they go on with tracebacks."""
    return one_line(_TRACEBACK.split(str(error), maxsplit=1)[0])[:500] or type(error).__name__


def _problem(step: Callable[[], None]) -> str:
    try:
        step()
    except Exception as error:  # noqa: BLE001  see connect
        return _without_traceback(error)
    return ""
