"""A user who has as much mail held as the server takes. All counts are replies and waiting mails."""

from __future__ import annotations

from tests.harness.mails import compose
from tests.harness.server import MailfoldServer

MOST = 1000
"""The default of `ingress.future_release_mails`."""


def test_one_account_holds_a_limited_number_of_mails(server: MailfoldServer) -> None:
    """The further ones are refused for now, before their bodies are sent; other mail and other people are served."""
    eve, ann = server.people.people("eve", "ann")
    data = compose(eve.address, eve.address, body=b"x\r\n").data
    with server.submissions(eve) as smtp:
        codes = [
            smtp.send(eve.address, [eve.address], data, parameters=" HOLDFOR=2678400").code for _ in range(MOST + 5)
        ]
        assert codes == [250] * MOST + [452] * 5
        for absurd in ("HOLDUNTIL=9999-12-31T23:59:59Z", "HOLDFOR=999999999", "HOLDUNTIL=+99999-01-01T00:00:00Z"):
            assert smtp.command(f"MAIL FROM:<{eve.address}> {absurd}".encode()).code == 501
        assert smtp.send(eve.address, [ann.address], compose(eve.address, ann.address).data).queue_id
    sent = compose(ann.address, ann.address)
    with server.submissions(ann) as smtp:
        assert smtp.send(ann.address, [ann.address], sent.data, parameters=" HOLDFOR=1").queue_id
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    assert server.command.json("submissions", "cancel", "--account", eve.address)["changed"] == MOST
    assert server.command.json("submissions", "list")["submissions"] == []
