"""Role addresses: mail to postmaster and abuse of a domain without such an address goes to the operator.

RFC 5321 §4.5.1 requires postmaster in every domain that receives mail, and for the server itself; RFC 2142 also
asks for abuse.
"""

from __future__ import annotations

import msgspec

from shared.protocol.address.account import without_subaddress
from shared.protocol.address.address import Address
from shared.routing.address_book import AddressBook
from shared.routing.resolution import Resolution, ResolutionKind

POSTMASTER = "postmaster"
_ROLES = frozenset({POSTMASTER, "abuse"})


class RoleMail(msgspec.Struct, frozen=True):
    """The address here that gets the mail for roles, or None.

    `hostname`, the name of the server itself, counts as a domain.
    """

    substitute: Address | None
    hostname: str

    def resolve(self, book: AddressBook, address: Address) -> Resolution:
        """Where mail to an address goes. Addresses in the address book take precedence."""
        resolution = book.resolve(address)
        if self.substitute is None or not self._is_nobodys_role(resolution.kind, address):
            return resolution
        instead = book.resolve(self.substitute)
        return (
            msgspec.structs.replace(instead, via=instead.via or str(address))
            if instead.kind is ResolutionKind.ACCOUNTS
            else resolution
        )

    def _is_nobodys_role(self, kind: ResolutionKind, address: Address) -> bool:
        if kind is not ResolutionKind.UNKNOWN and not (
            kind is ResolutionKind.REMOTE and address.domain == self.hostname
        ):
            return False
        return without_subaddress(address)[0].localpart.lower() in _ROLES

    def without_postmaster(self, book: AddressBook) -> int:
        """The number of domains that receive mail but refuse mail to their postmaster."""
        names = [domain.name for domain in book.names.domains.values() if domain.incoming and not domain.disabled]
        return sum(self.resolve(book, Address(POSTMASTER, name)).kind is not ResolutionKind.ACCOUNTS for name in names)
