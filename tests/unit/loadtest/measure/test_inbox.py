"""Arrivals are assigned to the right mails, in whatever order the responses come."""

from __future__ import annotations

from unittest.mock import sentinel

from loadtest.measure.latency import Inbox


def _inbox(exists: int) -> Inbox:
    return Inbox(sentinel.session, exists)


def test_a_mail_has_arrived_when_its_number_exists() -> None:
    inbox = _inbox(10)
    inbox.sent(100.0)
    inbox.saw(10, 100.5)
    assert not inbox.arrivals and not inbox.empty.is_set()
    inbox.saw(11, 101.0)
    assert inbox.arrivals == [1.0] and inbox.empty.is_set()


def test_news_before_the_reply_was_read_count_from_when_they_came() -> None:
    inbox = _inbox(0)
    inbox.saw(1, 7.25)
    inbox.sent(7.0)
    assert inbox.arrivals == [0.25]


def test_one_exists_may_announce_two_mails() -> None:
    inbox = _inbox(0)
    inbox.sent(1.0)
    inbox.sent(2.0)
    inbox.saw(2, 4.0)
    assert inbox.arrivals == [3.0, 2.0]


def test_early_news_of_one_do_not_settle_the_next() -> None:
    inbox = _inbox(0)
    inbox.saw(1, 1.5)
    inbox.sent(1.0)
    inbox.sent(2.0)
    assert inbox.arrivals == [0.5] and not inbox.empty.is_set()
