"""Chat users for Locust, on their own.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000

and open the web page that it names, or add `--headless -u 8 -r 8 -t 30s`. These are the users that `vgate.bench` drives
in a closed loop. Beside each request, Locust's tables show TTFT and TPOT as rows of their own, in milliseconds.

Locust rounds its percentiles to two digits and counts from the send; for numbers to decide by, use `vgate.bench`.
VGATE_API_KEY in the environment is sent as the key, for a server that asks for one.
"""

import itertools
import json
import os
from typing import Any
from urllib.request import Request, urlopen

from locust import events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopTest

from vgate.harness.driver.stats import report, report_tokens
from vgate.harness.driver.users import Asker, ClosedLoopUser
from vgate.harness.driver.wire import Wire
from vgate.workload.synthetic import Synthetic


class ChatUser(ClosedLoopUser):
    """Asks the next question when the last answer has ended."""

    numbers = itertools.count()

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if not hasattr(ChatUser, "asker"):
            ChatUser.asker = make_asker(environment)
        self.number = next(self.numbers)

    @task
    def chat(self) -> None:
        exchange = self.ask_once()
        report(self.environment, exchange)
        report_tokens(self.environment, exchange)


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Settings of the workload, also shown on the web page."""
    parser.add_argument("--prompt-tokens", type=int, default=32, help="words in each question, about as many tokens")
    parser.add_argument("--output-tokens", type=int, default=32, help="max_tokens of each request")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same questions")


@events.test_stop.add_listener
def forget(**_about: Any) -> None:
    """The next test may be set up otherwise on the web page, against another host."""
    ChatUser.numbers = itertools.count()
    if hasattr(ChatUser, "asker"):
        del ChatUser.asker


def make_asker(environment: Environment) -> Asker:
    """What all users of a test share. Without a server to ask for its model the test ends here."""
    options, host, key = environment.parsed_options, environment.host, os.environ.get("VGATE_API_KEY")
    try:
        model = discover_model(host or "", key)
    except (OSError, ValueError, LookupError) as error:
        environment.process_exit_code = 1
        raise StopTest(f"cannot ask {host} for its model: {error}") from None
    workload = Synthetic(
        prompt_tokens=options.prompt_tokens,
        output_tokens=options.output_tokens,
        stream=True,
        temperature=0.0,
        ignore_eos=True,
        usage_per_chunk=False,
        tokenizer=None,
    )
    return Asker(Wire(host, key), workload, model, options.seed, tag="locust")


def discover_model(host: str, key: str | None) -> str:
    """The first model that /v1/models names."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urlopen(Request(f"{host}/v1/models", headers=headers), timeout=30) as response:  # noqa: S310 -- the user's host
        return str(json.load(response)["data"][0]["id"])
