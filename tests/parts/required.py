"""The rule about missing parts: skipped with the reason, or a failure when PARTS=required.

    needs(postgres)             # in a fixture, a test, or at the head of a module

In required mode *every* skip is a failure, also those that tests ask for without `needs`.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Protocol

import pytest


class Part(Protocol):
    """Anything that knows whether it can be used: a module or an object."""

    def reason_missing(self) -> str | None:
        """The reason a person can act upon, or None when all is there."""


def all_required() -> bool:
    """Whether this run may not skip."""
    return os.environ.get("PARTS") == "required"


def needs(*parts: Part) -> None:
    """Skips, or fails in required mode, when one of the parts is missing."""
    for part in parts:
        if reason := part.reason_missing():
            _refuse(reason)


def _refuse(reason: str) -> None:
    if all_required():
        pytest.fail(f"PARTS=required, but {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip into a failure in required mode; an expected failure stays one."""
    if report.skipped and all_required() and not hasattr(report, "wasxfail"):
        reason = skip_reason(report)
        report.outcome = "failed"
        report.longrepr = f"PARTS=required, but it was skipped: {reason}"


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The text given to `skip`."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def skips_by_reason(reports: list[pytest.TestReport | pytest.CollectReport]) -> list[tuple[int, str]]:
    """How often each reason was given, the most frequent first."""
    counted = Counter(skip_reason(report) for report in reports)
    return [(count, reason) for reason, count in counted.most_common()]
