"""What fits into a quota, and which warning is in force."""

from __future__ import annotations

import itertools

import pytest

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.quota import QuotaLimits, Usage, check_quota, warning_after
from services.mailstore.domain.quota_notice import quota_notice
from shared.protocol.dsn.content import Reporter
from shared.protocol.languages.addressee import Addressee

LIMITS = QuotaLimits(1000, 10)


@pytest.mark.parametrize(
    ("used", "more", "text"),
    [
        (Usage(900, 2), Usage(101, 1), "900 of 1000 octets are used, 101 more do not fit"),
        (Usage(0, 10), Usage(1, 1), "10 of 10 messages are used, 1 more do not fit"),
        (Usage(0, 0), Usage(1001, 1), "1001 octets are more than the whole quota of 1000 octets"),
    ],
)
def test_what_does_not_fit(used: Usage, more: Usage, text: str) -> None:
    with pytest.raises(MailboxRefused, match=text) as refused:
        check_quota(used, more, LIMITS)
    assert refused.value.reason == "OVERQUOTA"


def test_what_fits() -> None:
    check_quota(Usage(900, 9), Usage(100, 1), LIMITS)
    check_quota(Usage(1 << 50, 1 << 40), Usage(1 << 50, 1), QuotaLimits())
    check_quota(Usage(5000, 9), Usage(5000, 1), QuotaLimits(0, 10))


def test_the_grace_ends() -> None:
    assert LIMITS.with_grace() == QuotaLimits(1100, 11)
    assert QuotaLimits(3, 1).with_grace() == QuotaLimits(4, 2)
    assert QuotaLimits(0, 0).with_grace() == QuotaLimits(0, 0)


def test_the_fuller_limit_counts() -> None:
    assert LIMITS.percent(Usage(799, 7)) == 79
    assert LIMITS.percent(Usage(10, 8)) == 80
    assert QuotaLimits().percent(Usage(10, 8)) == 0


def test_a_warning_rises_at_once_and_falls_when_the_use_is_clearly_below() -> None:
    percents = (10, 79, 80, 94, 95, 120, 91, 90, 89, 95, 89, 75, 74, 79, 80, 96, 74)
    warnings = (0, 0, 80, 80, 95, 95, 95, 95, 80, 95, 80, 80, 0, 0, 80, 95, 0)
    assert tuple(itertools.accumulate(percents, warning_after, initial=0))[1:] == warnings


def test_the_notification_names_what_is_used() -> None:
    reporter = Reporter("mx.example.org", "postmaster@example.org", 1_700_000_000_000_000, "q1@mx.example.org", "")
    data = quota_notice(
        80, Usage(858_993_460, 7), QuotaLimits(1 << 30, 9), Addressee("ann@example.org"), reporter
    ).decode()
    head, _, text = data.partition("\r\n\r\n")
    assert "To: <ann@example.org>\r\n" in head and "Subject: Your mailbox is 80 % full\r\n" in head
    assert "Auto-Submitted: auto-generated" in head
    flat = " ".join(text.split())
    assert "more than 80 % full: 819.2 MiB of 1.0 GiB and 7 of 9 messages are used." in flat
