"""Names of the files in a run's folder."""

from pathlib import PurePath

# In results/
INDEX = "index.html"
# In results/<run>/
MANIFEST, SUMMARY, SUMMARY_JSON = "manifest.json", "summary.csv", "summary.json"
REPORT, VERDICT = "report.html", "verdict.json"
CERTIFICATE = "certificate.json"  # what the client found of itself before it measured
# There too, of a comparison, a replay, a capacity search, a search for settings
COMPARISON, REPLAY, CAPACITY, SEARCH = "comparison.json", "replay.json", "capacity.json", "search.json"
# In results/<run>/cells/<cell>/
CELL, CONFIG, PLAN, REQUESTS = "cell.json", "config.yaml", "plan.json", "requests.parquet"
METRICS_BEFORE, METRICS_AFTER = "metrics_before.txt", "metrics_after.txt"
SERVER, GAUGES = "server.parquet", "gauges.parquet"
# There while a cell is being measured
RAW, OUTCOME = "raw.bin", "driver.json"
READY, DRAINED = "ready", "drained"


def part_of(name: str, part: int) -> str:
    """What driver process number `part` writes: the first has the name itself, the next raw-1.bin, ..."""
    path = PurePath(name)
    return f"{path.stem}-{part}{path.suffix}" if part else name
