"""How a domain of ours sends: with which keys it signs, and through which relay."""

from __future__ import annotations

import msgspec

from shared.protocol.dkim.signing_key import SigningKey
from shared.protocol.sasl.client.credentials import ClientCredentials


class RelayUse(msgspec.Struct, frozen=True):
    """A relay, with the properties of its preset."""

    host: str
    port: int
    tls: str
    """`starttls` or `implicit`, both verified, or `none`."""
    credentials: ClientCredentials | None = None
    signatures: str = "both"
    """`both`, `rsa` or `none`."""
    unsigned_names: tuple[str, ...] = ()
    """Header fields that the relay writes anew, so that they are not signed."""
    most_at_once: int = 0
    per_minute: int = 0
    recipients_per_mail: int = 0
    takes_null_reverse_path: bool = True


class Sending(msgspec.Struct, frozen=True):
    """How mail of a sending domain leaves; a domain without relay sends to the next servers directly."""

    keys: tuple[SigningKey, ...] = ()
    relay: RelayUse | None = None
