"""A seeded plan is the same to the byte in any process, on any machine, in any year."""

import json
import os
import subprocess
import sys

from tests.load.plans import LOADS, WORKLOADS, load, workload
from vgate.load.constant import Constant
from vgate.load.digest import schedule_digest
from vgate.workload.base import Workload

SEED, FIRST = 7, 1000
# Canaries: results of old runs can be replayed only while these hold.
SCHEDULES: dict[str, str] = {
    "closed": "ff14124a2757aa5ddd0996029076caef00e33d7e372faf061bd26ebb761815bc",
    "constant": "c369a45eaa20bc11919b9d3d1b2120c558c16a31f47eb56606202072cf5e640d",
    "gamma": "00bf56349da9528d436048e37874dcda04f196aaa1e1d648f201ff5fa22922c5",
    "poisson": "d87103793eb48acafb768f424f4638dc96dcfe25731f0eeca91a9d1952543bef",
    "ramp": "db6de0d73afa5ee749f1e4b674b875897dc9673c211614b191d0c5a58b54214e",
    "trace": "9fe7eeef3b9b7982f73684e0d05473c4b803d7d6efab7aad6a42f594c4c8af14",
}
REQUESTS: dict[str, str] = {
    "jsonl": "db5906d763262aa9469e183c5deae0b3 77eb87090bf6fb25e40b7fdfad5f938d",
    "multi_turn": "66ba3650cef4d53a88d3609520a60924 fe089e8005ada3f17223e61562fc3c64",
    "shared_prefix": "ca5b6bcaa6fc8a526d99264cb22519ae 077735e83b7ff04971ffb708c8bfaaaf",
    "synthetic": "edcd783e5faed176205228d13864a8fc 23c48b8a8d173ca2d87747b5bf3714c5",
    "trace": "6cd1547148bd3d74cad314744b1ed71e ddc86fe9397f39138caae55d6512d11f",
    "zipf": "697f9cffebe9c61438ecf9e4998ad9c3 5dc298f8a317a1254580af1226bb0301",
}
PROGRAM = """
import json
from tests.contracts.test_plans_replay import requests, schedules
print(json.dumps([schedules(), requests()]))
"""


def schedules() -> dict[str, str]:
    """Digests of every load's first arrivals, with a workload that is quickly made."""
    quick = workload("synthetic", prompt_tokens=1)
    return {option: schedule_digest(load(option), quick, SEED, FIRST) for option in LOADS}


def requests() -> dict[str, str]:
    """Digests of every workload's first requests, in an open loop without randomness and in a closed one."""
    return {option: _of_both_loops(workload(option)) for option in WORKLOADS}


def _of_both_loops(made: Workload) -> str:
    loops = (Constant(10.0), load("closed"))
    return " ".join(schedule_digest(loop, made, SEED, FIRST)[:32] for loop in loops)


def test_the_first_thousand_of_every_option_are_what_they_were() -> None:
    assert [schedules(), requests()] == [SCHEDULES, REQUESTS]


def test_they_are_in_a_process_that_hashes_strings_otherwise() -> None:
    environ = {**os.environ, "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [SCHEDULES, REQUESTS]
