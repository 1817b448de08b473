"""Domain refusals as the contract's errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from services.mailstore.domain.decide import MailboxRefused
from shared.grpc.errors import AlreadyExists, Invalid, LimitReached, NotFound, NotNow, ServiceError
from shared.protocol.imap.mailbox_name import InvalidMailboxName

_KINDS: dict[str, type[ServiceError]] = {
    "NONEXISTENT": NotFound,
    "TRYCREATE": NotFound,
    "ALREADYEXISTS": AlreadyExists,
    "OVERQUOTA": LimitReached,
    "LIMIT": LimitReached,
    "CANNOT": NotNow,
    "EXPUNGEISSUED": NotNow,
    "USEATTR": Invalid,
}


@contextlib.contextmanager
def named() -> Iterator[None]:
    """Let refusals of the domain leave the block as errors of the contract, with the reason kept."""
    try:
        yield
    except MailboxRefused as refused:
        raise _KINDS[refused.reason](str(refused), refused.reason) from refused
    except InvalidMailboxName as invalid:
        raise Invalid(str(invalid), "CANNOT") from invalid
