"""Mail to a postmaster address that was not created goes to the address that the operator has set (RFC 5321 §4.5.1)."""

from __future__ import annotations

from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

SENDER = f"carl@{HONEST}"
_FIRST = "ann1@example.org"


def test_postmaster() -> None:
    needs(nats)
    with MailfoldServer(settings={"MAILFOLD_DIRECTORY_POSTMASTER": _FIRST}) as server:
        ann = server.people.person("ann")
        assert ann.address == _FIRST
        sent = []
        for recipient in ("postmaster", "PostMaster@example.org", "abuse@example.org"):
            entry = compose(SENDER, recipient)
            with server.smtp() as smtp:
                assert smtp.send(SENDER, [recipient], entry.data).code == 250
            sent.append(entry.message_id)
        with server.smtp() as smtp:
            assert smtp.send(SENDER, ["nobody@example.org"], compose(SENDER, "nobody@example.org").data).code == 550
        with server.imap(ann) as imap:
            for message_id in sent:
                imap.wait_for(message_id)
