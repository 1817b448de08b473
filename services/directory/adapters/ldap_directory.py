"""Reads people and groups from a directory elsewhere, and checks passwords by binding as people (RFC 4511, RFC 4513).

The library is synchronous, so it runs in threads. Every fault is LdapUnavailable: it never means that somebody is not
there or that a password is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import msgspec

from services.directory.adapters import ldap_entries as entries
from services.directory.adapters.ldap_connection import LdapUnavailable as LdapUnavailable
from services.directory.adapters.ldap_connection import connected, filter_value, search
from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.ldap_groups import LdapGroup, whole_groups
from services.directory.domain.ldap_names import comparable
from services.directory.domain.ldap_people import LdapPerson
from services.directory.ldap_settings import LdapSettings

_THREADS = 4
_WAITING = 200
"""Password checks that may wait for a thread; a directory that hangs must not collect log-ins without end."""
_LOG_IN_ANSWERS = 2
"""A log-in takes twice the time of an answer at most, with the time that it waits for a thread."""
_READING_SECONDS = 3_600.0
_MOST_READINGS = 4


class LdapReading(msgspec.Struct, frozen=True):
    """Everything that a complete reading has."""

    people: Sequence[LdapPerson]
    groups: Sequence[LdapGroup] | None
    """None: groups are not followed."""


class LdapDirectory:
    """The directory elsewhere."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="ldap")
        self._running = 0
        self._unknown = frozenset[str]()

    async def reading(self) -> LdapReading:
        """Everybody and all groups, from complete searches. Raises LdapUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read_settled)

    async def is_password(self, entry: str, password: str) -> bool:
        """Whether a person's password is right. Raises LdapUnavailable, TooManyWaiting."""
        if not password:  # a bind with a name and no password is accepted as anonymous (RFC 4513 §5.1.2)
            return False
        if self._running >= _WAITING:
            raise TooManyWaiting
        self._running += 1
        seconds = _LOG_IN_ANSWERS * self._settings.timeout
        ends_at = monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, self._binds, entry, password, ends_at)
        except TimeoutError as error:
            raise LdapUnavailable(f"no answer in {seconds:g} seconds") from error
        finally:
            self._running -= 1

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read_settled(self) -> LdapReading:
        """A reading during which nobody got another name.

        Members are named by their place, and an entry that moves between two searches is at none of the places. So a
        reading in which groups name unknown entries counts when the reading before had the same ones.
        """
        for _ in range(_MOST_READINGS):
            before = self._unknown
            reading, self._unknown = self._read(monotonic() + _READING_SECONDS)
            if self._unknown <= before:
                return reading
        raise LdapUnavailable("the groups change while they are read")

    def _read(self, ends_at: float) -> tuple[LdapReading, frozenset[str]]:
        """A reading, and the names in groups that belong to no entry."""
        settings, people, places = self._settings, dict[str, LdapPerson](), entries.PeopleByName({}, {})
        disabled = self._disabled(ends_at)
        fields = entries.person_fields(settings)
        for attributes in search(
            settings, ends_at, settings.base, settings.person_filter, fields, settings.most_people
        ):
            person = entries.person_of(attributes, settings, disabled)
            if person is not None:
                people[person.entry] = person
                if settings.group_base:
                    places.people[comparable(str(attributes["dn"]))] = person.entry
                    places.names[person.name] = person.entry
        if not settings.group_base:
            return LdapReading(tuple(people.values()), None), frozenset()
        groups, unknown = self._groups(places, ends_at)
        return LdapReading(tuple(people.values()), groups), unknown

    def _groups(self, places: entries.PeopleByName, ends_at: float) -> tuple[Sequence[LdapGroup], frozenset[str]]:
        settings, raw, dns = self._settings, list[entries.RawGroup](), dict[str, str]()
        fields = entries.group_fields(settings)
        for attributes in search(
            settings, ends_at, settings.group_base, settings.group_filter, fields, settings.most_groups
        ):
            group = entries.group_of(attributes, settings, places)
            if group is not None:
                raw.append(group)
                dns[comparable(str(attributes["dn"]))] = group.entry
        if entries.are_too_many(raw):
            raise LdapUnavailable("the groups have too many members")
        bases = comparable(settings.base), comparable(settings.group_base)
        groups, unknown = entries.linked_groups(raw, dns, bases)
        return whole_groups(groups), unknown

    def _disabled(self, ends_at: float) -> frozenset[str]:
        """The identities of the people who are disabled there."""
        settings = self._settings
        if not settings.disabled_filter:
            return frozenset()
        condition = f"(&{settings.person_filter}{settings.disabled_filter})"
        matches = search(settings, ends_at, settings.base, condition, [settings.id_attribute], settings.most_people)
        return frozenset(entries.identity_of(attributes, settings) for attributes in matches)

    def _binds(self, entry: str, password: str, ends_at: float) -> bool:
        from ldap3.core.results import RESULT_INVALID_CREDENTIALS, RESULT_SUCCESS

        with connected(self._settings, ends_at, self._dn_of(entry, ends_at), password) as connection:
            connection.bind()
            code = connection.result["result"]
        if code not in (RESULT_SUCCESS, RESULT_INVALID_CREDENTIALS):
            raise LdapUnavailable(f"the directory answered the log-in with {connection.result['description']}")
        return bool(code == RESULT_SUCCESS)

    def _dn_of(self, entry: str, ends_at: float) -> str:
        """The name of the one entry with this identity. Raises LdapUnavailable for none and for several."""
        settings = self._settings
        enabled = f"(!{settings.disabled_filter})" if settings.disabled_filter else ""
        condition = f"(&{settings.person_filter}({settings.id_attribute}={filter_value(entry)}){enabled})"
        matches = search(settings, ends_at, settings.base, condition, [settings.id_attribute], 2)
        names = [str(attributes["dn"]) for attributes in matches]
        if len(names) != 1 or not names[0]:
            raise LdapUnavailable(f"the directory has {len(names)} entries for one person")
        return names[0]
