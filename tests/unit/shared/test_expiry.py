"""When a message goes, by rules that change."""

from __future__ import annotations

import pytest

from shared.expiry import DAY, INHERITED, NEVER, ExpiryRule, days_of, text_of

NOW = 1_000 * DAY


def test_a_message_goes_after_its_days_in_the_mailbox() -> None:
    rule = ExpiryRule().changed(30, at=NOW - 100 * DAY)
    assert rule.goes_at(NOW - DAY) == NOW + 29 * DAY
    assert rule.saved_until(NOW) == NOW - 30 * DAY


@pytest.mark.parametrize("before", [INHERITED, NEVER, 31, 365])
def test_switched_on_or_shortened_gives_present_mail_its_days_from_then(before: int) -> None:
    rule = ExpiryRule(before, 5 * DAY).changed(30, at=NOW)
    assert rule.goes_at(NOW - 900 * DAY) == NOW + 30 * DAY
    assert rule.saved_until(NOW + 30 * DAY - 1) == 0
    assert rule.saved_until(NOW + 30 * DAY) == NOW


def test_lengthened_counts_on() -> None:
    rule = ExpiryRule(30, 5 * DAY).changed(60, at=NOW)
    assert rule.goes_at(NOW - 50 * DAY) == NOW + 10 * DAY


def test_the_same_again_changes_nothing() -> None:
    assert ExpiryRule(30, 5 * DAY).changed(30, at=NOW) == ExpiryRule(30, 5 * DAY)


@pytest.mark.parametrize("days", [NEVER, INHERITED])
def test_without_a_rule_messages_stay(days: int) -> None:
    rule = ExpiryRule(days, 0)
    assert (rule.goes_at(0), rule.saved_until(NOW)) == (0, 0)


def test_the_nearest_rule_counts() -> None:
    server, domain = ExpiryRule(30, 5 * DAY), ExpiryRule(90, 7 * DAY)
    assert domain.within(server) == domain
    assert ExpiryRule().within(domain.within(server)) == domain
    assert ExpiryRule(NEVER, 8 * DAY).within(server) == ExpiryRule(NEVER, 8 * DAY)


def test_a_rule_that_is_taken_away_gives_the_days_of_the_wider_rule_from_then() -> None:
    server = ExpiryRule(30, 5 * DAY)
    own = ExpiryRule(NEVER, 8 * DAY).changed(INHERITED, at=NOW)
    assert own.within(server) == ExpiryRule(30, NOW)


@pytest.mark.parametrize(("text", "days"), [("30", 30), ("never", 0), (" Default ", -1), ("36500", 36_500)])
def test_texts(text: str, days: int) -> None:
    assert days_of(text) == days
    assert days_of(text_of(days)) == days


@pytest.mark.parametrize("text", ["0", "-1", "", "36501", "1.5", "٣", "soon", "9" * 50])
def test_what_is_no_number_of_days(text: str) -> None:
    with pytest.raises(ValueError, match="number of days"):
        days_of(text)
