"""The rule about missing parts."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.parts import required
from tests.parts.required import fail_if_skipped, needs, skips_by_reason


@dataclass
class Part:
    """A part that is missing for a reason, or there."""

    reason: str | None

    def reason_missing(self) -> str | None:
        """As given."""
        return self.reason


def _skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport(
        "test_it", ("file", 1, "test_it"), {}, "skipped", ("file", 1, f"Skipped: {reason}"), "call"
    )


def test_a_missing_part_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such server"):
        needs(Part(None), Part("no such server"))


def test_a_missing_part_fails_when_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTS", "required")
    with pytest.raises(pytest.fail.Exception, match="no such server"):
        needs(Part("no such server"))


def test_nothing_happens_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTS", "required")
    needs(Part(None))


def test_any_skip_fails_when_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    report = _skipped("just so")
    monkeypatch.delenv("PARTS", raising=False)
    fail_if_skipped(report)
    assert report.skipped
    monkeypatch.setenv("PARTS", "required")
    fail_if_skipped(report)
    assert report.failed and "just so" in str(report.longrepr)


def test_an_expected_failure_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTS", "required")
    report = _skipped("known")
    report.wasxfail = "known"
    fail_if_skipped(report)
    assert report.skipped


def test_skips_are_counted_by_reason() -> None:
    assert skips_by_reason([_skipped("a"), _skipped("b"), _skipped("a")]) == [(2, "a"), (1, "b")]


def test_the_switch_is_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTS", "optional")
    assert not required.all_required()
