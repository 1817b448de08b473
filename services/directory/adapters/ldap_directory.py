"""Reads people from a directory elsewhere and checks their passwords by binding as them (RFC 4511, RFC 4513).

The library is synchronous, so it runs in threads. Every fault is LdapUnavailable: it never means that somebody is not
there or that a password is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Any, TypeVar

from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.ldap_people import LdapPerson
from services.directory.ldap_settings import LdapSettings

T = TypeVar("T")
_PAGE = 500
_THREADS = 4
_WAITING = 200
"""Password checks that may wait for a thread; a directory that hangs must not collect log-ins without end."""
_TEXT_LIMIT = 1_000
_MOST_ADDRESSES = 100


class LdapUnavailable(Exception):
    """The directory elsewhere did not give a complete and certain answer."""


class LdapDirectory:
    """The directory elsewhere."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="ldap")
        self._running = 0

    async def people(self) -> Sequence[LdapPerson]:
        """Everybody, from one complete search. Raises LdapUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read_people)

    async def is_password(self, entry: str, password: str) -> bool:
        """Whether a person's password is right. Raises LdapUnavailable, TooManyWaiting."""
        if not password:  # a bind with a name and no password is accepted as anonymous (RFC 4513 §5.1.2)
            return False
        if self._running >= _WAITING:
            raise TooManyWaiting
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._binds, entry, password)
        finally:
            self._running -= 1

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read_people(self) -> Sequence[LdapPerson]:
        settings, people = self._settings, dict[str, LdapPerson]()
        fields = [settings.id_attribute, settings.name_attribute, settings.mail_attribute]
        for attributes in self._search(settings.person_filter, fields, settings.most_people):
            person = _person(attributes, settings)
            if person is not None:
                people[person.entry] = person
        return tuple(people.values())

    def _binds(self, entry: str, password: str) -> bool:
        from ldap3.core.results import RESULT_INVALID_CREDENTIALS, RESULT_SUCCESS

        with self._connection(self._dn_of(entry), password) as connection:
            connection.bind()
            code = connection.result["result"]
        if code not in (RESULT_SUCCESS, RESULT_INVALID_CREDENTIALS):
            raise LdapUnavailable(f"the directory answered the log-in with {connection.result['description']}")
        return bool(code == RESULT_SUCCESS)

    def _dn_of(self, entry: str) -> str:
        """The name of the one entry with this identity. Raises LdapUnavailable for none and for several."""
        settings = self._settings
        condition = f"(&{settings.person_filter}({settings.id_attribute}={_filter_value(entry)}))"
        names = [str(attributes["dn"]) for attributes in self._search(condition, [settings.id_attribute], 2)]
        if len(names) != 1 or not names[0]:
            raise LdapUnavailable(f"the directory has {len(names)} entries for one person")
        return names[0]

    def _search(self, condition: str, fields: Sequence[str], most: int) -> Iterator[Mapping[str, Any]]:
        """The entries of a search, in pages (RFC 2696). Raises LdapUnavailable unless it was complete."""
        from ldap3 import SUBTREE

        settings, count, cookie = self._settings, 0, None
        with self._connection(settings.bind_dn, settings.bind_password) as connection:
            if settings.bind_dn and not connection.bind():
                raise LdapUnavailable(f"the directory refuses {settings.bind_dn}: {connection.result['description']}")
            while True:
                connection.search(
                    settings.base, condition, SUBTREE, attributes=list(fields), paged_size=_PAGE, paged_cookie=cookie
                )
                if connection.result["result"] != 0:
                    raise LdapUnavailable(f"the search ended with {connection.result['description']}")
                for entry in connection.response or ():
                    if entry["type"] == "searchResEntry":
                        count += 1
                        yield {"dn": entry["dn"], **entry["raw_attributes"]}
                if count > most:
                    raise LdapUnavailable(f"the search has more than {most} entries")
                cookie = _cookie(connection.result)
                if not cookie:
                    return

    @contextlib.contextmanager
    def _connection(self, name: str, password: str) -> Iterator[Any]:
        """An open connection, encrypted as the settings say. Raises LdapUnavailable for every fault in the block."""
        import ssl

        import ldap3
        from ldap3.core.exceptions import LDAPException

        settings = self._settings
        check = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ca_file or None)
        try:
            server = ldap3.Server(
                settings.url,
                tls=check,
                connect_timeout=settings.timeout,
                get_info=ldap3.NONE,
                mode=ldap3.IP_V6_PREFERRED,
            )
            connection = ldap3.Connection(
                server,
                name or None,
                password or None,
                read_only=True,
                auto_referrals=False,
                receive_timeout=ceil(settings.timeout),  # the library packs it into a whole number
            )
            connection.open()
            if settings.tls == "required" and not server.ssl:
                _check_encrypted(connection.start_tls())
            try:
                yield connection
            finally:
                connection.unbind()
        except (LDAPException, OSError) as error:
            raise LdapUnavailable(f"{settings.url}: {error}") from error


def _check_encrypted(is_encrypted: bool) -> None:
    if not is_encrypted:
        raise LdapUnavailable("the directory does not encrypt the connection (StartTLS)")


def _person(attributes: Mapping[str, Any], settings: LdapSettings) -> LdapPerson | None:
    """A person with an identity and a name; None for another entry."""
    entry = _identity(_values(attributes, settings.id_attribute))
    names = [text for text in map(_text, _values(attributes, settings.name_attribute)) if text]
    if not entry or not names:
        return None
    addresses = [text for text in map(_text, _values(attributes, settings.mail_attribute)) if text]
    return LdapPerson(entry, names[0], tuple(addresses[:_MOST_ADDRESSES]))


def _values(attributes: Mapping[str, Any], name: str) -> Sequence[bytes]:
    """The values of an attribute, whose name has no case (RFC 4512 §2.5)."""
    lowered = name.lower()
    return next((value for key, value in attributes.items() if key.lower() == lowered and key != "dn"), ())


def _identity(values: Sequence[bytes]) -> str:
    """The identity as a text: as it is in ASCII, else its octets as `\\xx`, as filters write them (RFC 4515 §3)."""
    if len(values) != 1 or not 0 < len(values[0]) <= _TEXT_LIMIT:
        return ""
    value = values[0]
    is_text = value.isascii() and value.decode("ascii").isprintable()
    return value.decode("ascii").lower() if is_text else "".join(f"\\{octet:02x}" for octet in value)


def _filter_value(entry: str) -> str:
    from ldap3.utils.conv import escape_filter_chars

    return entry if entry.startswith("\\") else str(escape_filter_chars(entry))


def _text(value: bytes) -> str:
    text = value[: _TEXT_LIMIT + 1].decode("utf-8", "replace").strip()
    return text if len(text) <= _TEXT_LIMIT else ""


def _cookie(result: Mapping[str, Any]) -> bytes:
    """Where the next page begins; empty after the last one (RFC 2696 §2)."""
    control = (result.get("controls") or {}).get("1.2.840.113556.1.4.319")
    cookie: bytes = control["value"]["cookie"] if control else b""
    return cookie
