"""What an experiment leaves behind: its rows as CSV, its summary, and under which circumstances it ran."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write(
    folder: Path, name: str, rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], manifest: Mapping[str, Any]
) -> None:
    """`<name>.csv`, of which the first row has the columns; `summary.json`; `manifest.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for title, content in (("summary", summary), ("manifest", manifest)):
        (folder / f"{title}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
