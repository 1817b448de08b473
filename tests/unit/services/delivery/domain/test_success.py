"""Which recipients a sender who asked for reports of success is notified of."""

from __future__ import annotations

import pytest

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.success import successes_to_report
from shared.events.delivery import Step
from shared.events.mail import Message, Recipient


def reported(*actions: str, notify: str = "SUCCESS", spam: bool = False, notice: bool = False) -> list[str]:
    """The actions that are reported of one recipient with these steps."""
    message = Message("g/b", 7, b"", "m1@example.net", "Hello", "eve@example.net")
    mail = AcceptedMail("q1", "eve@example.net", (Recipient("ann@example.org", notify),), message, spam=spam)
    steps = [
        Step("ann@example.org", number, *_action(action), blob="g/n" if notice else "")
        for number, action in enumerate(actions)
    ]
    return [report.action.value for report in successes_to_report(mail, steps)]


def _action(text: str) -> tuple[str, str]:
    """An action, and the account that may be named behind it."""
    action, _, account = text.partition(" ")
    return action, account


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (("store",), ["delivered"]),
        (("discard",), ["delivered"]),
        (("store", "store"), ["expanded"]),
        (("store", "enqueue"), ["expanded"]),
        (("store a1", "store a1", "answer", "remember"), ["delivered"]),
        (("store a1", "store a2"), ["expanded"]),
        (("refuse a1",), []),
        (("enqueue",), []),
        ((), []),
    ],
)
def test_what_is_reported_of_a_recipient(actions: tuple[str, ...], action: list[str]) -> None:
    assert reported(*actions) == action


@pytest.mark.parametrize("notify", ["", "NEVER", "FAILURE,DELAY"])
def test_success_is_reported_only_when_it_was_asked_for(notify: str) -> None:
    assert reported("store", notify=notify) == []
    assert reported("store", notify="success,failure") == ["delivered"]


def test_spam_makes_no_report_and_a_notification_is_no_copy() -> None:
    assert reported("store", spam=True) == []
    assert reported("store", notice=True) == []
