"""Connections to a directory elsewhere: encryption, log-in and complete searches in pages (RFC 4511, 4513, 2696).

The library is synchronous, so all of this runs in threads. Every fault is LdapUnavailable: it never means that somebody
is not there or that a password is wrong. Referrals are not followed (RFC 4511 §4.1.10), so that no other server gets a
name and a password.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from time import monotonic
from typing import Any

from services.directory.adapters.ldap_socket import BoundedSocket
from services.directory.ldap_settings import LdapSettings

_PAGE = 500
_MOST_EMPTY_PAGES = 10
_PAGED = "1.2.840.113556.1.4.319"


class LdapUnavailable(Exception):
    """The directory elsewhere did not give a complete and certain answer."""


@contextlib.contextmanager
def connected(settings: LdapSettings, ends_at: float, name: str, password: str) -> Iterator[Any]:
    """An open connection, encrypted as the settings say; it ends at `ends_at` of the monotonic clock.

    Raises LdapUnavailable for every fault in the block.
    """
    import ldap3
    from ldap3.core.exceptions import LDAPException

    try:
        connection = ldap3.Connection(
            _server(settings, ends_at),
            name or None,
            password or None,
            read_only=True,
            auto_referrals=False,
            auto_range=False,
            receive_timeout=ceil(settings.timeout),  # the library packs it into a whole number
        )
        connection.open()
        connection.socket = BoundedSocket(connection.socket, settings.timeout, ends_at)
        if settings.tls == "required" and not connection.server.ssl:
            if not connection.start_tls():
                raise LdapUnavailable("the directory does not encrypt the connection (StartTLS)")
            connection.socket = BoundedSocket(connection.socket, settings.timeout, ends_at)
        try:
            yield connection
        finally:
            connection.unbind()
    except (LDAPException, OSError) as error:
        raise LdapUnavailable(f"{settings.url}: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:  # of its decoder
        raise LdapUnavailable(f"{settings.url}: an answer cannot be read ({error!r})") from error


def search(
    settings: LdapSettings, ends_at: float, base: str, condition: str, fields: Sequence[str], most: int
) -> Iterator[Mapping[str, Any]]:
    """The entries of a search, in pages: attributes as octets, and `dn`.

    Raises LdapUnavailable unless it was complete and had at most `most` entries.
    """
    count = 0
    with connected(settings, ends_at, settings.bind_dn, settings.bind_password) as connection:
        if settings.bind_dn and not connection.bind():
            raise LdapUnavailable(f"the directory refuses {settings.bind_dn}: {connection.result['description']}")
        for page in _pages(connection, base, condition, fields, ends_at):
            for entry in page:
                count += 1
                if count > most:
                    raise LdapUnavailable(f"the search has more than {most} entries")
                yield {**entry["raw_attributes"], "dn": entry["dn"]}


def filter_value(identity: str) -> str:
    """An identity as filters write it (RFC 4515 §3)."""
    from ldap3.utils.conv import escape_filter_chars

    return identity if identity.startswith("\\") else str(escape_filter_chars(identity))


def _pages(
    connection: Any, base: str, condition: str, fields: Sequence[str], ends_at: float
) -> Iterator[Sequence[Mapping[str, Any]]]:
    from ldap3 import SUBTREE

    cookie, empty = b"", 0
    while empty <= _MOST_EMPTY_PAGES:
        if monotonic() > ends_at:
            raise LdapUnavailable("the search takes too long")
        connection.search(
            base, condition, SUBTREE, attributes=list(fields), paged_size=_PAGE, paged_cookie=cookie or None
        )
        if connection.result["result"] != 0:
            raise LdapUnavailable(f"the search ended with {connection.result['description']}")
        page = [entry for entry in connection.response or () if entry["type"] == "searchResEntry"]
        connection.response = None
        yield page
        empty = 0 if page else empty + 1
        cookie = _cookie(connection.result)
        if not cookie:
            return
    raise LdapUnavailable(f"the search has {empty} pages without an entry, and no end")


def _cookie(result: Mapping[str, Any]) -> bytes:
    """Where the next page begins; empty after the last one (RFC 2696 §2)."""
    control = (result.get("controls") or {}).get(_PAGED)
    cookie: bytes = control["value"]["cookie"] if control else b""
    return cookie


def _server(settings: LdapSettings, ends_at: float) -> Any:
    import ssl

    import ldap3

    return ldap3.Server(
        settings.url,
        tls=ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ca_file or None),
        connect_timeout=max(0.1, min(settings.timeout, ends_at - monotonic())),
        get_info=ldap3.NONE,
        mode=ldap3.IP_V6_PREFERRED,
    )
