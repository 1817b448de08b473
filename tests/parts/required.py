"""A test whose program is missing is skipped with the reason, or fails when PARTS=required.

`needs(postgres)` belongs into a fixture, a test, or at the top of a module. In required mode *every* skip is a failure,
also the skips of tests that do not use `needs`.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Protocol

import pytest


class Part(Protocol):
    """A program whose presence can be checked: a module or an object."""

    def reason_missing(self) -> str | None:
        """The reason why it is missing, in words that help; None when it is there."""


def all_required() -> bool:
    """Whether no test of this run may be skipped."""
    return os.environ.get("PARTS") == "required"


def needs(*parts: Part) -> None:
    """Skip the test, or fail it in required mode, when a part is missing."""
    for part in parts:
        if reason := part.reason_missing():
            _refuse(reason)


def _refuse(reason: str) -> None:
    if all_required():
        pytest.fail(f"PARTS=required, but {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure in required mode; an expected failure stays one."""
    if report.skipped and all_required() and not hasattr(report, "wasxfail"):
        reason = skip_reason(report)
        report.outcome = "failed"
        report.longrepr = f"PARTS=required, but it was skipped: {reason}"


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The text that was given to `skip`."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def skips_by_reason(reports: list[pytest.TestReport | pytest.CollectReport]) -> list[tuple[int, str]]:
    """How many tests were skipped for each reason, the most frequent reason first."""
    counted = Counter(skip_reason(report) for report in reports)
    return [(count, reason) for reason, count in counted.most_common()]
