"""What an account sends above its limits waits until the window has room."""

from __future__ import annotations

from services.outbound.domain.sending_limits import (
    DAY,
    HOUR,
    Counted,
    LimitExceeded,
    NthNewest,
    SendingLimits,
    exceeded,
)

NOW = 1_700_000_000_000_000
MINUTE = HOUR // 60


def sent(mails: list[int], recipients: list[int] | None = None) -> NthNewest:
    """An account whose mails and recipients leave at these times; without recipients, one for each mail."""
    times = {Counted.OTHER_MAILS: mails, Counted.RECIPIENTS: mails if recipients is None else recipients}

    def nth_newest(counted: Counted, after: int, number: int) -> int | None:
        newest = [at for at in sorted(times[counted], reverse=True) if at > after]
        return newest[number] if number < len(newest) else None

    return nth_newest


def burst(number: int) -> list[int]:
    """So many times, a minute apart, the last one a minute ago."""
    return [NOW - (number - at) * MINUTE for at in range(number)]


def test_nothing_is_limited_by_default() -> None:
    assert not SendingLimits().has_any
    assert exceeded(SendingLimits(), sent(burst(1000)), NOW) is None


def test_the_mail_that_fills_the_window_is_sent_and_the_next_waits_for_the_oldest() -> None:
    limits = SendingLimits(mails_an_hour=10)
    assert exceeded(limits, sent(burst(9)), NOW) is None
    surplus = exceeded(limits, sent(burst(10)), NOW)
    assert surplus == LimitExceeded("the account sends more than 10 mails an hour", NOW - 10 * MINUTE + HOUR)


def test_mail_older_than_the_window_does_not_count() -> None:
    old = [NOW - HOUR] * 10
    assert exceeded(SendingLimits(mails_an_hour=10), sent(old), NOW) is None
    surplus = exceeded(SendingLimits(mails_a_day=10), sent(old), NOW)
    assert surplus is not None
    assert surplus.until == NOW - HOUR + DAY


def test_a_burst_leaves_at_the_permitted_rate() -> None:
    limits, leaving, hours = SendingLimits(mails_an_hour=2), list[int](), []
    for _ in range(6):
        surplus = exceeded(limits, sent(leaving), NOW)
        leaving.append(surplus.until if surplus else NOW)
        hours.append((leaving[-1] - NOW) // HOUR)
    assert hours == [0, 0, 1, 1, 2, 2]


def test_one_mail_to_very_many_leaves_at_the_permitted_rate_too() -> None:
    limits, leaving, hours = SendingLimits(mails_an_hour=1, recipients_an_hour=3), list[int](), []
    for _ in range(7):
        surplus = exceeded(limits, sent([], leaving), NOW)
        leaving.append(surplus.until if surplus else NOW)
        hours.append((leaving[-1] - NOW) // HOUR)
    assert hours == [0, 0, 0, 1, 1, 1, 2]


def test_recipients_count_each() -> None:
    limits = SendingLimits(recipients_an_hour=100)
    assert exceeded(limits, sent([NOW], [NOW] * 99), NOW) is None
    surplus = exceeded(limits, sent([NOW], [NOW] * 100), NOW)
    assert surplus is not None
    assert surplus.reason == "the account sends more than 100 recipients an hour"


def test_the_latest_of_several_limits_decides() -> None:
    limits = SendingLimits(mails_an_hour=1, mails_a_day=1)
    surplus = exceeded(limits, sent(burst(1)), NOW)
    assert surplus is not None
    assert surplus.until == NOW - MINUTE + DAY
