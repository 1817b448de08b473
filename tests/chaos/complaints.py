"""Counts the errors in the logs of the processes: events of level error."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson


def errors(folder: Path) -> Counter[str]:
    """By process and event."""
    result: Counter[str] = Counter()
    for file in sorted(folder.glob("*.log*")):
        for line in file.read_bytes().splitlines():
            if b'"level": "error"' in line:
                result[f"{file.name.partition('.')[0]} {_event(line)}"] += 1
    return result


def _event(line: bytes) -> str:
    try:
        said = orjson.loads(line)
    except ValueError:
        return "a line that is no JSON"
    last = str(said.get("exception", "")).strip().splitlines()[-1:]
    return " ".join([str(said.get("event")), *(entry[:120] for entry in last)])
