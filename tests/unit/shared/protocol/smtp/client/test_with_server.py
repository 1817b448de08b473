"""Our client against our server, both without sockets, with octets cut in every way."""

from __future__ import annotations

import pytest

from shared.protocol.smtp.client.outcome import ResultKind
from shared.protocol.smtp.config import Port
from tests.unit.shared.protocol.smtp.client.driver import Driver, driver, options, transaction
from tests.unit.shared.protocol.smtp.shell import Shell, config, shell

_BODY = b"Subject: hello\r\n\r\n.\r\n..a\r\n.\r\nend\r\n" * 20


def _talk(client: Driver, server: Shell, size: int) -> None:
    """Pass what either says to the other, until both are silent."""
    while True:
        heard = bytes(server.said)
        server.said.clear()
        client.hear(*[heard[start : start + size] for start in range(0, len(heard), size)])
        said = client.taken()
        for start in range(0, len(said), size):
            server.hear(said[start : start + size])
        if not heard and not said:
            return


@pytest.mark.parametrize("chunks", [False, True], ids=["data", "bdat"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_message_arrives_as_it_was_sent(size: int, chunks: bool) -> None:
    mail = transaction("ann@example.org", "nobody@example.org", "later@example.org", size=len(_BODY))
    client = driver((mail, _BODY), settings=options(prefer_chunking=chunks, chunk_size=100), quits=True)
    client.piece = 7
    server = shell(config(Port.RELAY))
    _talk(client, server, size)
    ((event, body),) = server.messages
    assert body == _BODY
    assert [str(rcpt.forward_path) for rcpt in event.transaction.recipients] == ["ann@example.org"]
    assert [result.kind for result in client.results] == [ResultKind.ACCEPTED, ResultKind.REFUSED, ResultKind.DEFERRED]
    assert client.results[0].dsn_passed
    assert server.session.closed
    assert client.session.closed
