"""What becomes of a request for which no worker is free."""

import asyncio

from tests.workers.rigs import Fleet, Lists, running, spec
from tests.workers.test_pool import refused
from vgate.workers.worker import Probe


async def test_a_model_that_only_a_worker_might_serve_that_has_not_told_yet_is_503_and_says_so() -> None:
    fleet = Fleet()
    fleet.says["w0"] = Probe(True, ({"id": "a"},))
    fleet.down("w1")
    async with running(Lists([spec(0), spec(1)]), fleet) as pool:
        await asyncio.sleep(0.1)
        error = refused(pool, "misspelt")
        assert (error.status, error.code, "retry-after" in error.headers) == (503, "not_ready", True)
        assert error.message == "No worker is known to serve the model 'misspelt'; one has not told its models yet."
        fleet.up("w1")
        await asyncio.sleep(30)
        assert refused(pool, "misspelt").status == 404
        fleet.down("w0", "w1")
        await asyncio.sleep(30)
        assert refused(pool, "misspelt").status == 404  # both have told
        assert refused(pool, "a").message == "No worker for the model 'a' is ready."


async def test_a_worker_whose_models_are_configured_need_not_tell_them() -> None:
    fleet = Fleet()
    fleet.down("w0", "w1")
    fleet.says["w1"] = Probe(True, ({"id": "a"},))
    async with running(Lists([spec(0, models=frozenset({"b"})), spec(1)]), fleet) as pool:
        await asyncio.sleep(0.1)
        assert [refused(pool, name).status for name in ("misspelt", "b")] == [404, 503]
