from pathlib import Path

from tests.workload.settings import synthetic
from vgate.load.closed import Closed
from vgate.load.digest import schedule_digest
from vgate.load.poisson import Poisson
from vgate.load.trace import Trace


def test_equal_plans_have_equal_digests() -> None:
    digests = {schedule_digest(Poisson(10.0), synthetic(), seed=1, n=50) for _ in range(2)}
    assert len(digests) == 1


def test_whatever_changes_a_plan_changes_its_digest() -> None:
    changed = [
        schedule_digest(Poisson(10.0), synthetic(), seed=1, n=50),
        schedule_digest(Poisson(10.0), synthetic(), seed=2, n=50),
        schedule_digest(Poisson(10.0), synthetic(), seed=1, n=51),
        schedule_digest(Poisson(10.0001), synthetic(), seed=1, n=50),
        schedule_digest(Poisson(10.0), synthetic(output_tokens=33), seed=1, n=50),
        schedule_digest(Closed(4), synthetic(), seed=1, n=50),
        schedule_digest(Closed(5), synthetic(), seed=1, n=50),
    ]
    assert len(set(changed)) == len(changed)


def test_a_trace_is_hashed_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10,1,1\n2024-05-11,1,1\n", encoding="utf-8")
    load = Trace(str(path), 1.0, 0.0, 10)
    assert schedule_digest(load, synthetic(), 1, 2) == schedule_digest(load, synthetic(), 1, 1000)
