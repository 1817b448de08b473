"""What is known of a test mail, and when waiting for more is of no use."""

from __future__ import annotations

import pytest

from mailfold.operator.test_mail import SentTestMail, _waits_longer
from shared.events.mail import Outcome
from shared.rpc.mailfold.outbound.v1.outbound_pb2 import EntryHistory, QueueEntry

END = 1_700_000_000_000_000


def tried(*entries: QueueEntry, here: tuple[Outcome, ...] = (), in_time: bool = True) -> SentTestMail:
    return SentTestMail("q1", "q1@x", here, [EntryHistory(entry=entry) for entry in entries], "", in_time)


def test_it_arrived_when_every_copy_was_delivered() -> None:
    delivered, bounced = QueueEntry(state="delivered"), QueueEntry(state="bounced")
    assert tried(delivered, here=(Outcome("ann@example.org", "delivered"),)).arrived
    assert not tried(delivered, bounced).arrived
    assert not tried(delivered, here=(Outcome("ann@example.org", "bounced"),)).arrived
    assert not tried(delivered, in_time=False).arrived


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (QueueEntry(state="waiting", due=END + 1), True),
        (QueueEntry(state="waiting", due=END - 1), False),
        (QueueEntry(state="waiting", due=END + 1, in_hand=True), False),
        (QueueEntry(state="held", due=0), True),
        (QueueEntry(state="held", due=END - 1), False),
    ],
)
def test_waiting_is_of_no_use_when_nothing_more_will_happen_in_time(entry: QueueEntry, expected: bool) -> None:
    assert _waits_longer(tried(entry), END) is expected
    assert not _waits_longer(tried(entry, QueueEntry(state="waiting", due=END - 1)), END)


def test_a_mail_that_is_not_in_the_queue_yet_is_waited_for() -> None:
    assert not _waits_longer(tried(), END) and not _waits_longer(tried(QueueEntry(state="delivered")), END)
