"""Finds the credentials that a log-in tries: stored hashes, and what the account opens when the password fits one."""

from __future__ import annotations

import msgspec

from services.directory.domain.login_name import Canonical, LoginName, login_key
from services.directory.handlers import load
from services.directory.handlers.commands import OWNER
from shared.eventstore.connection import Reader, Row
from shared.ids import shard_of

BAD_CREDENTIALS, DISABLED, TOO_MANY = "bad-credentials", "disabled", "too-many"
MEMBER_NOT_NAMED = "member-not-named"
"""The client must name the member: the group has too many to try, or several of them have this password."""
MEMBERS_TRIED = 3
"""Members of a group whose passwords are compared when the client does not name the user. Each comparison costs 20 ms
of a processor, also for a wrong password."""
_POSITION = "SELECT max(position) FROM event WHERE shard = ?"
_ACCOUNT = (
    "SELECT account.id, account.address, account.quota_bytes, account.person, account.disabled, domain.disabled,"
    " domain.id, person.name, person.password_hash, person.disabled FROM account"
    " JOIN domain ON domain.name = account.domain LEFT JOIN person ON person.id = account.person WHERE account.key = ?"
)
_MEMBER = (
    "SELECT person.id, person.name, person.password_hash, person.disabled FROM group_member"
    " JOIN person ON person.id = group_member.person WHERE group_member.user_group = ?"
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
    group: str = ""
    """The id of the group that owns the account; the user is its member."""


class CredentialTried(msgspec.Struct, frozen=True):
    """A credential that a log-in tries."""

    account: str
    """The id of the account."""
    user: str
    """The id of the user whose password it is."""
    password_hash: str
    answer: LoginAnswer
    """The answer to the right password."""


class CredentialsTried(msgspec.Struct, frozen=True):
    """The credentials that a log-in tries: one, unless the account belongs to a group and no member is named."""

    credentials: tuple[CredentialTried, ...] = ()
    refusal: str = BAD_CREDENTIALS
    """The reason of the refusal when none fits."""


def credentials_of(reader: Reader, name: LoginName, canonical: Canonical) -> CredentialsTried:
    """The password of the user who owns the account of a login name, or of members of the group that owns it.

    There are none when the account does not exist, when the named user may not open it, or when the client names an
    app password.
    """
    if name.label:
        return CredentialsTried()
    user = actor_id(reader, name.actor, canonical) if name.actor else None
    return _credentials(reader, name.account, user)


def credential_for(reader: Reader, name: LoginName, user: str, canonical: Canonical) -> CredentialTried | None:
    """The credential of the user with this id at the account of a login name; None when the user may not open it."""
    if name.actor and actor_id(reader, name.actor, canonical) != user:
        return None
    return next(iter(_credentials(reader, name.account, user).credentials), None)


def configuration_position(reader: Reader) -> int:
    """The position of the newest configuration event."""
    row = reader.first_row(_POSITION, (shard_of(OWNER),))
    return row[0] or 0 if row else 0


def _credentials(reader: Reader, key: str, user: str | None) -> CredentialsTried:
    """The credentials at the account with a lookup key: of one user by id, or of all who may be tried."""
    as_of = configuration_position(reader)  # first: a later event is then later than the answer
    row = reader.first_row(_ACCOUNT, (key,))
    if row is None:
        return CredentialsTried()
    account, address, quota, owner, account_disabled, domain_disabled, domain, *person = row
    opened = LoginAnswer("", account, address, quota, domain=domain, as_of=as_of)
    if person[0] is not None:
        people = [(owner, *person)] if user in (None, owner) else []
    else:
        opened = msgspec.structs.replace(opened, group=owner)
        people = _members(reader, owner, user)
        if len(people) > MEMBERS_TRIED:
            return CredentialsTried((), MEMBER_NOT_NAMED)
    is_off = bool(account_disabled or domain_disabled)
    return CredentialsTried(tuple(_credential(opened, row, is_off=is_off) for row in people))


def _credential(opened: LoginAnswer, person: Row, *, is_off: bool) -> CredentialTried:
    user, name, password_hash, disabled = person
    answer = msgspec.structs.replace(opened, user=user, user_name=name)
    return CredentialTried(opened.account, user, password_hash, LoginAnswer(DISABLED) if disabled or is_off else answer)


def _members(reader: Reader, group: str, user: str | None) -> list[Row]:
    """The member with this id, or those who may log in, but not more than one above MEMBERS_TRIED."""
    if user is not None:
        return reader.all(f"{_MEMBER} AND person.id = ?", (group, user))
    sql = f"{_MEMBER} AND person.disabled = ? ORDER BY person.id LIMIT ?"
    return reader.all(sql, (group, False, MEMBERS_TRIED + 1))


def user_of_account(reader: Reader, key: str) -> str:
    """The id of the user who owns the account with a lookup key; empty without one. Groups own their accounts too."""
    row = reader.first_row("SELECT person FROM account WHERE key = ?", (key,))
    return str(row[0]) if row else ""


def actor_id(reader: Reader, actor: str, canonical: Canonical) -> str:
    """The id of the user with this name, or of the owner of the account with this address; empty: there is none."""
    user = load.user_id(reader, actor)
    if user is not None:
        return user
    return user_of_account(reader, login_key(actor, canonical) or "")
