"""Names of the files in a run's folder."""

# In results/
INDEX = "index.html"
# In results/<run>/
MANIFEST, SUMMARY, REPORT, VERDICT = "manifest.json", "summary.csv", "report.html", "verdict.json"
CERTIFICATE = "certificate.json"  # what the client found of itself before it measured
# There too, of a comparison and of a replay
COMPARISON, REPLAY = "comparison.json", "replay.json"
# In results/<run>/cells/<cell>/
CELL, CONFIG, PLAN, REQUESTS = "cell.json", "config.yaml", "plan.json", "requests.parquet"
METRICS_BEFORE, METRICS_AFTER = "metrics_before.txt", "metrics_after.txt"
SERVER, GAUGES = "server.parquet", "gauges.parquet"
# There while a cell is being measured
RAW, OUTCOME = "raw.bin", "driver.json"
