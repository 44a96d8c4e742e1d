"""The command line of the golden server; it prints its port."""

import argparse
import asyncio

from vgate import clock, open_files
from vgate.harness.golden import __doc__ as about
from vgate.harness.golden.server import serve
from vgate.harness.golden.shapes import Shape
from vgate.harness.golden.timing import Stall, Timing


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m vgate.harness.golden", description=(about or "").split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ttft-ms", type=float, default=50.0)
    parser.add_argument("--itl-ms", type=float, default=10.0)
    parser.add_argument("--bundle", type=int, default=1, help="tokens per chunk")
    parser.add_argument("--places", type=int, help="requests worked on at once; all unless given")
    parser.add_argument("--stall-s", type=float, default=0.0, help="how long it does nothing, once")
    parser.add_argument("--stall-after-s", type=float, default=0.0, help="from the first request to the stall")
    args = parser.parse_args()
    open_files.raise_limit()
    stall = Stall(args.stall_after_s, args.stall_s) if args.stall_s else None
    timing = Timing(args.ttft_ms, args.itl_ms, args.places, stall)
    with asyncio.Runner(loop_factory=clock.precise_loop) as runner:
        runner.run(serve(timing, Shape(bundle=args.bundle), args.port))


if __name__ == "__main__":
    main()
