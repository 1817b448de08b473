"""What a test has counted or measured; it is shown at the end of the run, also when the test has passed.

It travels with the report of the test, because a worker process has no terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

Show = Callable[[str], None]
"""Shows a text: `show("5 mails in 3 batches")`."""
PROPERTY = "shown"


def shown_by(reports: Iterable[object]) -> list[tuple[str, str]]:
    """The tests that showed something, and what; the report of the end of a test has all of it."""
    return [
        (report.nodeid, str(value).strip("\n"))
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "teardown"
        for name, value in report.user_properties
        if name == PROPERTY and str(value).strip()
    ]
