"""With what mail of a sender domain is signed, and through which relay it goes."""

from __future__ import annotations

import msgspec

from services.directory.domain.dkim import DkimKeyState
from services.directory.domain.relays import RelayState
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import load, sending_rows
from services.directory.handlers.commands import OWNER
from shared.eventstore.connection import Reader
from shared.ids import shard_of
from shared.protocol.address.domain import AddressError, parse_domain
from shared.routing.relay_presets import DIRECT

_POSITION = "SELECT max(position) FROM event WHERE shard = ?"


class SealedSigningKey(msgspec.Struct, frozen=True):
    """A key that signs, with its sealed private key."""

    key: DkimKeyState
    private_key: str


class SendingAnswer(msgspec.Struct, frozen=True):
    """The keys and the relay of a sender domain."""

    keys: tuple[SealedSigningKey, ...]
    relay: RelayState | None
    as_of: int
    """The last position of the configuration that the answer knows."""


def sending_of(reader: Reader, text: str) -> SendingAnswer:
    """The answer for any domain, also for text of a stranger that is none: no keys, and the default relay.

    A sub-domain that is no domain of ours uses what its closest parent of ours has.
    """
    # The position is read first: an event that comes between the questions is then later than the answer.
    position = reader.first_row(_POSITION, (shard_of(OWNER),))
    as_of = position[0] or 0 if position else 0
    domain = _closest(reader, text)
    relay = _relay_of(reader, domain)
    keys = sending_rows.signing_keys(reader, domain) if domain else []
    return SendingAnswer(
        tuple(SealedSigningKey(key, private_key) for key, private_key in keys),
        None if relay is None or relay.preset == DIRECT else relay,
        as_of,
    )


def _relay_of(reader: Reader, domain: str) -> RelayState | None:
    """The relay of a domain, else that of the domain of which it is an alias, else the default relay."""
    row = reader.first_row("SELECT alias_of FROM domain WHERE id = ?", (domain,))
    for identity in filter(None, (domain, row[0] if row else "")):
        relay = sending_rows.relay_of(reader, identity)
        if relay is not None:
            return relay
    return sending_rows.relay_of(reader, "")


def own_domain(reader: Reader, name: str) -> tuple[str, str]:
    """The id and name of a domain of ours; both empty for an empty name, which stands for all domains.

    Raises DirectoryRefused.
    """
    if not name:
        return "", ""
    domain = load.domain(reader, name)
    if domain is None:
        raise DirectoryRefused("missing", f"there is no domain {name[:80]!r}: `mailfold domain list` shows them")
    return domain.id, domain.name


def _closest(reader: Reader, text: str) -> str:
    """The id of the domain, or of its closest parent of ours; empty when there is none."""
    try:
        name = parse_domain(text.removesuffix("."))
    except AddressError:
        return ""
    while "." in name:
        row = reader.first_row("SELECT id FROM domain WHERE name = ?", (name,))
        if row is not None:
            return str(row[0])
        name = name.partition(".")[2]
    return ""
