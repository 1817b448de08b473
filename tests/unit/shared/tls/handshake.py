"""A real TLS handshake without a socket: two SSL objects, and the bytes between them."""

import ssl
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Connection:
    """Both ends after a handshake, and the bytes on their way to each."""

    client: ssl.SSLObject
    server: ssl.SSLObject
    to_client: ssl.MemoryBIO
    to_server: ssl.MemoryBIO


def shake_hands(
    server: ssl.SSLContext,
    client: ssl.SSLContext,
    name: str | None = "localhost",
    session: ssl.SSLSession | None = None,
) -> Connection:
    """Carry out the handshake. Raises ssl.SSLError as either end does."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name, session=session)
    for _ in range(4):
        for end in (theirs, ours):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    with suppress(ssl.SSLWantReadError):
        theirs.read(1)  # reads the session tickets
    return Connection(theirs, ours, to_client, to_server)


def pass_on(connection: Connection, text: bytes) -> bytes:
    """Send from the server to the client; returns what arrives."""
    connection.server.write(text)
    return connection.client.read(1000)


def served(connection: Connection) -> bytes:
    """The certificate that the client received, in DER."""
    shown = connection.client.getpeercert(binary_form=True)
    assert shown is not None
    return shown
