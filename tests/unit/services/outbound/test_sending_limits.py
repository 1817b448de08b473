"""What an account sends above its limits waits until the window has room."""

from __future__ import annotations

from services.outbound.domain.sending_limits import DAY, HOUR, CountedMail, SendingLimits, exceeded

NOW = 1_700_000_000_000_000
MINUTE = HOUR // 60


def burst(number: int, recipients: int = 1) -> list[CountedMail]:
    """So many mails, a minute apart, the last one a minute ago."""
    return [CountedMail(NOW - (number - at) * MINUTE, recipients) for at in range(number)]


def test_nothing_is_limited_by_default() -> None:
    assert exceeded(SendingLimits(), burst(1000, 100), 5000, NOW) is None


def test_the_mail_that_fills_the_window_is_sent_and_the_next_waits_for_the_oldest() -> None:
    limits = SendingLimits(mails_an_hour=10)
    assert exceeded(limits, burst(9), 0, NOW) is None
    surplus = exceeded(limits, burst(10), 0, NOW)
    assert surplus is not None
    assert (surplus.reason, surplus.until) == ("the account sends more than 10 mails an hour", NOW - 10 * MINUTE + HOUR)


def test_mail_older_than_the_window_does_not_count() -> None:
    old = [CountedMail(NOW - HOUR, 1)] * 10
    assert exceeded(SendingLimits(mails_an_hour=10), old, 0, NOW) is None
    surplus = exceeded(SendingLimits(mails_a_day=10), old, 0, NOW)
    assert surplus is not None
    assert surplus.until == NOW - HOUR + DAY


def test_a_burst_leaves_at_the_permitted_rate() -> None:
    limits, sent, times = SendingLimits(mails_an_hour=2), list[CountedMail](), []
    for _ in range(6):
        surplus = exceeded(limits, sorted(sent), 0, NOW)
        times.append((surplus.until - NOW) // HOUR if surplus else 0)
        sent.append(CountedMail(surplus.until if surplus else NOW, 1))
    assert times == [0, 0, 1, 1, 2, 2]


def test_recipients_count_each() -> None:
    limits = SendingLimits(recipients_an_hour=100)
    assert exceeded(limits, burst(1, 99), 0, NOW) is None
    assert exceeded(limits, burst(1, 99), 1, NOW) is not None
    assert exceeded(limits, burst(1, 100), 0, NOW) is not None


def test_the_latest_of_several_limits_decides() -> None:
    limits = SendingLimits(mails_an_hour=1, mails_a_day=1)
    surplus = exceeded(limits, burst(1), 0, NOW)
    assert surplus is not None
    assert surplus.until == NOW - MINUTE + DAY
