"""Finds the credential that a log-in tries: the stored hash, and what the account opens when the password fits."""

from __future__ import annotations

import msgspec

from services.directory.handlers.commands import OWNER
from shared.eventstore.connection import Reader
from shared.ids import shard_of

BAD_CREDENTIALS, DISABLED, TOO_MANY = "bad-credentials", "disabled", "too-many"
_POSITION = "SELECT max(position) FROM event WHERE shard = ?"
_ASK = (
    "SELECT account.id, account.address, account.quota_bytes, person.id, person.name, person.password_hash,"
    " account.disabled, person.disabled, domain.disabled, domain.id FROM account JOIN person ON person.id = "
    "account.person"
    " JOIN domain ON domain.name = account.domain WHERE account.key = ?"
)


class LoginAnswer(msgspec.Struct, frozen=True):
    """The answer to a log-in: an identity, or the reason of a refusal."""

    refusal: str = ""
    account: str = ""
    address: str = ""
    quota_bytes: int = 0
    user: str = ""
    user_name: str = ""
    domain: str = ""
    as_of: int = 0
    """The position of the newest configuration event that the answer takes into account."""
    refusals: int = 0
    """The recent wrong passwords of this client, including this one; the protocol delays a refusal by it."""
    credential: str = ""
    """The id of the app password; empty for the password of the user or of an application."""
    mails_an_hour: int = 0
    """Mails that an application may submit in an hour; 0: no limit."""


class CredentialTried(msgspec.Struct, frozen=True):
    """The credential that a log-in tries."""

    account: str
    """The id of the account."""
    user: str
    """The id of the user whose password it is."""
    password_hash: str
    answer: LoginAnswer
    """The answer to the right password."""


def credential_of(reader: Reader, key: str) -> CredentialTried | None:
    """The password of the user to whom the account with this lookup key belongs; None without such an account."""
    as_of = configuration_position(reader)  # first: a later event is then later than the answer
    row = reader.first_row(_ASK, (key,))
    if row is None:
        return None
    account, address, quota, user, user_name, password_hash, *disabled, domain = row
    opened = LoginAnswer("", account, address, quota, user, user_name, domain, as_of)
    return CredentialTried(account, user, password_hash, LoginAnswer(DISABLED) if any(disabled) else opened)


def configuration_position(reader: Reader) -> int:
    """The position of the newest configuration event."""
    row = reader.first_row(_POSITION, (shard_of(OWNER),))
    return row[0] or 0 if row else 0
