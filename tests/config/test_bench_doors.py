"""A bench's server has neither admin port nor TLS, whatever the configuration says: it is for the bench alone."""

import pytest

from tests.config.composing import serve
from vgate.config import compose
from vgate.config.graph import graph_hash

DOORS = [
    "admin=http",
    "admin.token=0123456789-abcdef",
    "server.tls.cert_file=/nowhere",
    "server.tls.key_file=/nowhere",
]


@pytest.mark.parametrize("program", ["bench", "capacity", "search"])
def test_it_measures_without_and_says_so(program: str) -> None:
    """It needs neither the token nor the files, and a run that is kept holds neither."""
    composed = compose(program, ["+preset=dry_run", *DOORS], {})
    assert composed.container["admin"] == {"_target_": "vgate.admin.none.NoAdmin"}
    assert set(composed.container["server"]["tls"].values()) == {None}
    assert [note.partition(" (")[0] for note in composed.notes] == [
        "admin",
        "admin.token",
        "server.tls.cert_file",
        "server.tls.key_file",
    ]
    assert all(note.endswith("has no effect in a bench: its server speaks plain HTTP") for note in composed.notes)


def test_what_was_measured_is_what_is_deployed_with_them() -> None:
    bench = compose("bench", ["+preset=dry_run", *DOORS], {}).settings
    assert graph_hash(bench) == graph_hash(serve("+preset=dry_run").settings)


def test_cors_is_measured() -> None:
    cors = "server.cors.allow_origins=['*']"
    bench = compose("bench", ["+preset=dry_run", cors], {})
    assert bench.notes == []
    assert graph_hash(bench.settings) == graph_hash(serve("+preset=dry_run", cors).settings)
