"""What each method of the directory's contracts concerns: its rule reads it from the request and the rows.

A method without a rule is for admins of the server alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from services.directory.domain.rights import Rights, Touched, UserRole, UserTouched
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import archive_rows, credential_rows, list_rows, load, load_groups
from services.directory.handlers.moderation_rows import moderating_users
from shared.events.scripts import SERVER
from shared.eventstore.connection import Reader
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError

Rule = Callable[[Reader, Any], Touched]
_names = msgspec.json.Decoder(tuple[str, ...])
_ADMIN_ONLY = Touched()
_DOMAINS_OF = (
    "SELECT DISTINCT domain.id FROM account JOIN domain ON domain.name = account.domain WHERE account.person = ?"
    " OR account.person IN (SELECT user_group FROM group_member WHERE person = ?)"
)
"""The domains of the accounts that a user's password opens, also those of groups."""
_ACCOUNTS_OF = (
    "SELECT id FROM account WHERE person = ? OR person IN (SELECT user_group FROM group_member WHERE person = ?)"
    " ORDER BY id LIMIT ?"
)
MOST_ACCOUNTS = 1_000
SCRIPT_METHODS = (
    *("Scripts/PutScript", "Scripts/CheckScript", "Scripts/GetScript", "Scripts/ListScripts", "Scripts/ActivateScript"),
    *("Scripts/RenameScript", "Scripts/DeleteScript", "Scripts/ListScriptChanges", "Scripts/RevertScript"),
)
APPLYING_METHODS = ("Applying/ApplyScript", "Applying/ListApplications", "Applying/UndoApplication")
DRY_RUN_METHODS = ("DryRuns/TestScript", "DryRuns/WhatIf")
EVENT_METHODS = ("EventLog/Query", "EventLog/Chart")
MAIL_METHODS = (
    *("Ingress/ListWaiting", "Ingress/ReleaseWaiting", "Ingress/CancelWaiting"),
    *("Expiry/ListExpiry", "Expiry/ChangeExpiry", "Removed/ListRemoved", "Removed/RestoreRemoved"),
    *("Annotations/ListAnnotations", "Annotations/SetAnnotations"),
    "Finding/Query",
    "Journal/ListJournal",
    *("Maildrops/ListForImport", "Maildrops/ImportUniqueIds"),
    *("MailboxSharing/ListGrants", "MailboxSharing/RevokeGrants"),
    *SCRIPT_METHODS,
    *APPLYING_METHODS,
    *DRY_RUN_METHODS,
    *EVENT_METHODS,
)
"""Methods of other services that ask the directory whose mail it is (`MailRights`)."""


def rights_of(reader: Reader, user: str) -> Rights | None:
    """The rights of a user by id; None for one who is disabled or does not exist."""
    row = reader.first_row("SELECT disabled FROM person WHERE id = ?", (user,))
    if row is None or row[0]:
        return None
    role, domains = _role_of(reader, user)
    return Rights(user, role, domains)


def user_touched(reader: Reader, name: str) -> UserTouched | None:
    """The user with this name or id; None when there is none."""
    user = load.user_id(reader, name)
    if user is None:
        return None
    added = reader.first_row("SELECT added_by FROM user_added_by WHERE person = ?", (user,))
    domains = frozenset(identity for (identity,) in reader.all(_DOMAINS_OF, (user, user)))
    return UserTouched(user, _role_of(reader, user)[0], domains, added[0] if added else "")


def touched_by(reader: Reader, method: str, request: Any) -> Touched:
    """What a call concerns."""
    rule = RULES.get(method)
    return _ADMIN_ONLY if rule is None else rule(reader, request)


def _role_of(reader: Reader, user: str) -> tuple[UserRole, frozenset[str]]:
    row = reader.first_row("SELECT role, domains FROM user_role WHERE person = ?", (user,))
    return (UserRole(row[0]), frozenset(_names.decode(row[1]))) if row else (UserRole.USER, frozenset())


def domain_id(reader: Reader, name: str) -> str:
    """The id of a domain by name or id; empty when it is not a domain here."""
    state = load.domain(reader, name)
    return state.id if state is not None else ""


def _anybody(_reader: Reader, _request: Any) -> Touched:
    return Touched(anybody=True)


def _any_admin(_reader: Reader, _request: Any) -> Touched:
    return Touched(any_admin=True)


def _named_domain(reader: Reader, request: Any) -> Touched:
    return Touched(frozenset({domain_id(reader, request.name)}))


def _sending_domain(reader: Reader, request: Any) -> Touched:
    return Touched(frozenset({domain_id(reader, request.domain)}) if request.domain else frozenset())


def _relay(reader: Reader, request: Any) -> Touched:
    return Touched(frozenset({domain_id(reader, request.name)}) if request.name else frozenset())


def address_domain(reader: Reader, address: str) -> str:
    """The id of the domain of an address; empty for a domain of nobody here."""
    try:
        return domain_id(reader, parse_address(address.strip()).domain)
    except AddressError:
        return ""


def _address(reader: Reader, request: Any) -> Touched:
    return Touched(frozenset({address_domain(reader, request.address)}))


def _named_address(reader: Reader, request: Any) -> Touched:
    return Touched(frozenset({address_domain(reader, request.name)}))


def _list(reader: Reader, request: Any) -> Touched:
    """A list concerns its domain; its members may be anywhere."""
    return Touched(frozenset({address_domain(reader, list_rows.address_of(reader, request.name))}))


def _moderated(reader: Reader, request: Any) -> Touched:
    """What waits for moderators concerns the domain of the list; its moderators decide as well."""
    return msgspec.structs.replace(_list(reader, request), members=moderating_users(reader, request.name))


def _account(reader: Reader, name: str) -> Touched:
    account = load.account(reader, name)
    if account is None:
        return Touched(frozenset({address_domain(reader, name)}))
    return Touched(frozenset({address_domain(reader, account.address)}), owner=account.user)


def _new_account(reader: Reader, request: Any) -> Touched:
    """A new account concerns its domain, and its user where that user has no account in the domain yet.

    Only an admin of the server gives one to a group, whose members may be those of other domains.
    """
    if request.group:
        return _ADMIN_ONLY
    domain, user = address_domain(reader, request.address), user_touched(reader, request.user)
    return Touched(frozenset({domain}), (user,) if user is not None and domain not in user.domains else ())


def _changed_account(reader: Reader, request: Any) -> Touched:
    return msgspec.structs.replace(_account(reader, request.address), owner="")


def _removed_account(reader: Reader, request: Any) -> Touched:
    """A removal concerns the domains of the account, of what names it, and of the account that is named instead."""
    account = load.account(reader, request.account)
    address = account.address if account is not None else request.account
    named = archive_rows.references(reader, address)
    domains = {address_domain(reader, address), *(catch_all.id for catch_all in named.catch_alls)}
    domains |= {address_domain(reader, alias.address) for alias in named.aliases}
    if getattr(request, "move_to", ""):
        domains.add(address_domain(reader, request.move_to))
    return Touched(frozenset(domains))


def _archive(reader: Reader, request: Any) -> Touched:
    try:
        return Touched(frozenset({address_domain(reader, archive_rows.archive(reader, request.archive).address)}))
    except DirectoryRefused:
        return _ADMIN_ONLY


def _shown_account(reader: Reader, request: Any) -> Touched:
    return _account(reader, request.name)


def _user(reader: Reader, request: Any) -> Touched:
    user = user_touched(reader, request.name)
    return Touched(users=(user,)) if user is not None else _ADMIN_ONLY


def _shown_user(reader: Reader, request: Any) -> Touched:
    touched = _user(reader, request)
    return msgspec.structs.replace(touched, owner=touched.users[0].id) if touched.users else touched


def _user_of_fields(reader: Reader, request: Any) -> Touched:
    user = user_touched(reader, request.user)
    return Touched(users=(user,)) if user is not None else _ADMIN_ONLY


def _send_as(reader: Reader, request: Any) -> Touched:
    """The right of a user to send as an account concerns both."""
    return msgspec.structs.replace(_user_of_fields(reader, request), domains=_address(reader, request).domains)


def _shown_fields(reader: Reader, request: Any) -> Touched:
    touched = _user_of_fields(reader, request)
    return msgspec.structs.replace(touched, owner=touched.users[0].id) if touched.users else touched


def _changed_user(reader: Reader, request: Any) -> Touched:
    """Users may change their own password, but not enable themselves."""
    return _user(reader, request) if request.HasField("disabled") else _shown_user(reader, request)


def _owned_by_user(reader: Reader, request: Any) -> Touched:
    """What belongs to a user, as app passwords do: users may make and remove their own."""
    user = user_touched(reader, request.user)
    return Touched(users=(user,), owner=user.id) if user is not None else _ADMIN_ONLY


def _application(reader: Reader, request: Any) -> Touched:
    application = credential_rows.application(reader, request.name)
    address = application.address if application is not None else request.name
    return Touched(frozenset({address_domain(reader, address)}))


def _renamed_application(reader: Reader, request: Any) -> Touched:
    return Touched(_application(reader, request).domains | _address(reader, request).domains)


def accounts_of(reader: Reader, user: str) -> list[str]:
    """The ids of the accounts that a user's password opens, also those of groups; the oldest first."""
    return [identity for (identity,) in reader.all(_ACCOUNTS_OF, (user, user, MOST_ACCOUNTS))]


def _mail_of_account(reader: Reader, request: Any) -> Touched:
    """The mail of an account is its user's, or that of every member of its group."""
    account = load.account(reader, request.account) if request.account else None
    if account is None:
        return Touched(anybody=not request.account)
    return msgspec.structs.replace(_account(reader, account.id), members=load_groups.member_ids(reader, account.user))


def _scripts_of_account(reader: Reader, request: Any) -> Touched:
    """The scripts of an account are like its mail; those of the server need an admin of the server."""
    return _ADMIN_ONLY if request.account == SERVER else _mail_of_account(reader, request)


def _mail_itself(reader: Reader, request: Any) -> Touched:
    """What shows the mail of an account or brings it back is for its owners, and not for a domain admin."""
    return msgspec.structs.replace(_mail_of_account(reader, request), domains=frozenset())


def _events_of_domain(reader: Reader, request: Any) -> Touched:
    """Events of a domain are for its admins; those of all domains are for admins of the server."""
    return Touched(frozenset({domain_id(reader, request.domain)})) if request.domain else _ADMIN_ONLY


def _sender_lists(reader: Reader, request: Any) -> Touched:
    """The lists of an account are its owner's too; those of the server need an admin of the server."""
    return _account(reader, request.account) if request.account else _ADMIN_ONLY


def _owned_account(reader: Reader, request: Any) -> Touched:
    """What the owner of an account and the admins of its domain may ask and choose."""
    return _account(reader, request.account)


def _held(reader: Reader, request: Any) -> Touched:
    """What an account holds towards another one concerns the domains of both, and the owner of both."""
    if not request.owner:
        return _account(reader, request.account)
    touched, other = _account(reader, request.account), _account(reader, request.owner)
    owner = touched.owner if touched.owner == other.owner else ""
    return Touched(touched.domains | other.domains, owner=owner)


def _lockouts(reader: Reader, request: Any) -> Touched:
    """Lockouts at an account concern its domain; those of networks need an admin of the server."""
    if not request.account:
        return _ADMIN_ONLY
    account = load.account(reader, request.account) or credential_rows.application(reader, request.account)
    return Touched(frozenset({address_domain(reader, account.address if account else request.account)}))


RULES: Mapping[str, Rule] = {
    "Directory/ShowDomain": _named_domain,
    "Directory/SetDomainValue": _named_domain,
    "Directory/ListDomains": _anybody,
    "Directory/AddUser": _any_admin,
    "Directory/ChangeUser": _changed_user,
    "Directory/RemoveUser": _user,
    "Directory/ShowUser": _shown_user,
    "Directory/ListUsers": _anybody,
    "Directory/AddAccount": _new_account,
    "Directory/ChangeAccount": _changed_account,
    "Directory/ShowAccount": _shown_account,
    "Directory/ListAccounts": _anybody,
    "Directory/AddAlias": _address,
    "Directory/ChangeAlias": _address,
    "Directory/RemoveAlias": _named_address,
    "Directory/ShowAlias": _named_address,
    "Directory/ListAliases": _anybody,
    "Directory/Resolve": _address,
    "Directory/ExplainAddress": _address,
    "Directory/ShowDkim": _named_domain,
    "Directory/RotateDkim": _named_domain,
    "Directory/CheckDkim": _named_domain,
    "Directory/RetireDkim": _sending_domain,
    "Directory/ShowRelay": _relay,
    "Directory/ListRelayPresets": _anybody,
    "Lists/AddList": _address,
    "Lists/ChangeList": _list,
    "Lists/RemoveList": _list,
    "Lists/ShowList": _list,
    "Lists/ListLists": _anybody,
    "Lists/JoinList": _list,
    "Lists/LeaveList": _list,
    "Lists/ListMembers": _list,
    "Lists/SwitchMember": _list,
    "Moderators/SetModeration": _list,
    "Moderators/ShowModeration": _moderated,
    "Moderators/ListHeld": _moderated,
    "Moderators/DecidePost": _moderated,
    "Archives/ListReferences": _removed_account,
    "Archives/RemoveAccount": _removed_account,
    "Archives/ShowArchive": _archive,
    "Blocking/AddEntries": _sender_lists,
    "Blocking/RemoveEntries": _sender_lists,
    "Blocking/ListEntries": _sender_lists,
    "Groups/SetProfile": _shown_fields,
    "Protocols/SetPop3": _owned_account,
    "Protocols/ShowPop3": _owned_account,
    "AllMail/SetAllMail": _owned_account,
    "AllMail/ShowAllMail": _owned_account,
    "Lockouts/ListLockouts": _lockouts,
    "Lockouts/LiftLockouts": _lockouts,
    "Sharing/SetSharing": _sending_domain,
    "Sharing/ShowSharing": _sending_domain,
    "Sharing/Identify": _owned_account,
    "Sharing/ListIdentifiers": _owned_account,
    "Sharing/HeldIdentifiers": _held,
    "Signatures/SetSignature": _sending_domain,
    "Signatures/ShowSignature": _sending_domain,
    "Signatures/SetUserField": _user_of_fields,
    "Signatures/ShowUserFields": _shown_fields,
    "Credentials/AddAppPassword": _owned_by_user,
    "Credentials/ListAppPasswords": _owned_by_user,
    "Credentials/RemoveAppPassword": _owned_by_user,
    "Credentials/AddApplication": _address,
    "Credentials/ChangeApplication": _application,
    "Credentials/RenameApplication": _renamed_application,
    "Credentials/RenewApplicationPassword": _application,
    "Credentials/ShowApplication": _application,
    "Credentials/ListApplications": _anybody,
    **dict.fromkeys(MAIL_METHODS, _mail_of_account),
    "SendAs/GrantSendAs": _send_as,
    "SendAs/RevokeSendAs": _send_as,
    "SendAs/ListSendAs": _shown_fields,
    "Expiry/ListExpiry": _mail_of_account,
    "Expiry/ChangeExpiry": _mail_of_account,
    "Removed/ListRemoved": _mail_itself,
    "Removed/RestoreRemoved": _mail_itself,
    "Journal/ListJournal": _mail_itself,
    "Finding/Query": _mail_itself,
    "Annotations/ListAnnotations": _mail_itself,
    "Annotations/SetAnnotations": _mail_itself,
    "Maildrops/ListForImport": _mail_itself,
    "Maildrops/ImportUniqueIds": _mail_itself,
    **dict.fromkeys(SCRIPT_METHODS, _scripts_of_account),
    **dict.fromkeys((*APPLYING_METHODS, *DRY_RUN_METHODS), _mail_itself),
    **dict.fromkeys(EVENT_METHODS, _events_of_domain),
}
"""By contract and method. The replies to lists that anybody may ask for are filtered (`right_views.py`). A relay is set
by an admin of the server, because a test of it connects to any host and port."""
