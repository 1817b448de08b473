"""Chooses the mechanism of a log-in."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.sasl.client.mechanism import ClientMechanism
from shared.protocol.sasl.client.plain import LoginClient, PlainClient, Xoauth2Client
from shared.protocol.sasl.client.scram import ScramClient

XOAUTH2: Final = "XOAUTH2"
SCRAM_SHA_256: Final = "SCRAM-SHA-256"
PLAIN: Final = "PLAIN"
LOGIN: Final = "LOGIN"
# in the order of preference
CLIENT_MECHANISMS: Final[Mapping[str, Callable[[ClientCredentials], ClientMechanism]]] = MappingProxyType(
    {XOAUTH2: Xoauth2Client, SCRAM_SHA_256: ScramClient, PLAIN: PlainClient, LOGIN: LoginClient}
)


def usable_mechanisms(credentials: ClientCredentials, offered: Collection[str]) -> tuple[str, ...]:
    """The offered mechanisms that these credentials fit, in the order to try them."""
    allowed = tuple(name.upper() for name in credentials.mechanisms) or tuple(CLIENT_MECHANISMS)
    return tuple(name for name in allowed if name in offered and _fits(credentials, name))


def make_mechanism(name: str, credentials: ClientCredentials) -> ClientMechanism:
    """An exchange with a mechanism of usable_mechanisms."""
    return CLIENT_MECHANISMS[name](credentials)


def _fits(credentials: ClientCredentials, name: str) -> bool:
    match name:
        case "XOAUTH2":
            return bool(credentials.token)
        case "SCRAM-SHA-256":
            return bool(credentials.password and credentials.scram_nonce)
        case "PLAIN":
            return bool(credentials.password)
        case "LOGIN":
            return bool(credentials.password) and not credentials.authzid
        case _:
            return False
