"""Translates refusals of the domain to errors of the contract."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from services.mailstore.domain.decide import MailboxRefused
from shared.grpc.errors import AlreadyExists, Denied, Invalid, LimitReached, NotFound, NotNow, ServiceError
from shared.protocol.imap.mailbox_name import InvalidMailboxName

_KINDS: dict[str, type[ServiceError]] = {
    "NONEXISTENT": NotFound,
    "INVALID": Invalid,
    "CLOSED": NotFound,
    "TRYCREATE": NotFound,
    "ALREADYEXISTS": AlreadyExists,
    "OVERQUOTA": LimitReached,
    "LIMIT": LimitReached,
    "CANNOT": NotNow,
    "EXPUNGEISSUED": NotNow,
    "USEATTR": Invalid,
    "NOPERM": Denied,
    "NOPRIVATE": Invalid,
    "TOOMANY": LimitReached,
    "MAXSIZE": LimitReached,
}


@contextlib.contextmanager
def as_contract_errors() -> Iterator[None]:
    """Raise refusals of the domain as errors of the contract, with their reason."""
    try:
        yield
    except MailboxRefused as refused:
        raise _KINDS[refused.reason.partition(" ")[0]](str(refused), refused.reason) from refused
    except InvalidMailboxName as invalid:
        raise Invalid(str(invalid), "CANNOT") from invalid
