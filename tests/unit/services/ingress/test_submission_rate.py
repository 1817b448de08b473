"""The mails of an application in a moving hour."""

from __future__ import annotations

from services.ingress.domain.submission_rate import SubmissionRates


def test_mails_above_the_limit_wait_for_an_hour() -> None:
    rates = SubmissionRates()
    assert [rates.take("shop", 2, at) for at in (0.0, 1800.0, 1801.0)] == [True, True, False]
    assert not rates.has_room("shop", 2, 3599.0)
    assert rates.has_room("shop", 2, 3600.0)
    assert [rates.take("shop", 2, at) for at in (3600.0, 3601.0, 5399.0, 5400.0)] == [True, False, False, True]


def test_accounts_are_counted_apart_and_zero_is_no_limit() -> None:
    rates = SubmissionRates()
    assert rates.take("shop", 1, 0.0) and rates.take("bot", 1, 0.0)
    assert not rates.take("shop", 1, 0.0)
    assert all(rates.take("shop", 0, 0.0) for _ in range(5))


def test_a_lower_limit_counts_what_was_sent_before() -> None:
    rates = SubmissionRates()
    assert all(rates.take("shop", 10, 0.0) for _ in range(5))
    assert not rates.take("shop", 5, 60.0)


def test_what_is_remembered_is_bounded() -> None:
    rates = SubmissionRates()
    for number in range(10_050):
        rates.take(f"app{number}", 1, float(number))
    assert len(rates._counts) == 10_000
    for minute in range(500):
        rates.take("busy", 1_000_000, 60.0 * minute)
    assert len(rates._counts["busy"]) == 60


def test_what_was_sent_before_is_recalled_once() -> None:
    rates = SubmissionRates()
    assert not rates.knows("shop")
    rates.recall("shop", {0: 1, 59: 2, 60: 100, -1: 1}, 90_000.0)
    assert rates.knows("shop")
    assert not rates.has_room("shop", 4, 90_000.0)
    assert rates.take("shop", 5, 90_000.0)
    rates.recall("shop", {}, 90_000.0)
    assert not rates.has_room("shop", 5, 90_000.0)
    assert rates.has_room("shop", 5, 90_060.0)


def test_what_is_recalled_is_bounded() -> None:
    rates = SubmissionRates()
    for number in range(10_050):
        rates.recall(f"app{number}", {}, float(number))
    assert len(rates._counts) == 10_000
    assert not rates.knows("app0") and rates.knows("app10049")
