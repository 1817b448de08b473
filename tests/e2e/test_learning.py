"""Moving mail into and out of Spam teaches the filter."""

from __future__ import annotations

from tests.harness.letters import letter
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST


def test_moves_teach_and_unteach(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    before = seen(server)
    with server.imap(ann) as imap:
        for number in range(5):
            imap.append("INBOX", letter(f"carl@{HONEST}", ann.address, subject=f"cheap watches {number}").data)
        imap.select()
        imap.move("1:5", "Spam")
        wait_for(server, (before[0] + 5, before[1]))
        imap.select("Spam")
        imap.move("1:2", "INBOX")
        wait_for(server, (before[0] + 3, before[1] + 2))
        imap.select()
        imap.move("6:7", "Spam")
        wait_for(server, (before[0] + 5, before[1]))


def test_trash_teaches_nothing_and_append_into_spam_does(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    before = seen(server)
    with server.imap(ann) as imap:
        imap.append("INBOX", letter(f"carl@{HONEST}", ann.address).data)
        imap.select()
        imap.move("1", "Trash")
        imap.append("Spam", letter(f"carl@{HONEST}", ann.address).data)
        wait_for(server, (before[0] + 1, before[1]))


def seen(server: MailfoldServer) -> tuple[int, int]:
    """Spam and ham that the filter knows."""
    learning = server.contracts.learning()
    return learning.spam_seen, learning.ham_seen


def wait_for(server: MailfoldServer, wanted: tuple[int, int]) -> None:
    """Until it knows exactly so many."""
    until(lambda: seen(server) == wanted or None, f"spam and ham of {wanted}")
