"""Checks a password against the stored credential of a user, here or in the directory elsewhere."""

from __future__ import annotations

from services.directory.adapters.ldap_directory import LdapDirectory, LdapUnavailable
from services.directory.adapters.passwords import PasswordHasher
from services.directory.domain.ldap_people import entry_of


class PasswordChecks:
    """The checks."""

    def __init__(self, hasher: PasswordHasher, ldap: LdapDirectory | None) -> None:
        self._hasher = hasher
        self._ldap = ldap

    async def verify(self, stored: str, password: str, client: str = "") -> bool:
        """Whether the password fits the stored credential; an empty one takes the same time and is never right.

        Raises TooManyWaiting, LdapUnavailable.
        """
        entry = entry_of(stored)
        if not entry:
            return await self._hasher.verify(stored, password, client)
        if self._ldap is None:
            raise LdapUnavailable("ldap.url is empty, and this user's password is checked there")
        return await self._ldap.is_password(entry, password)
