"""The table of permitted calls. Every other call is refused, whether in-process or over gRPC."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

OPERATOR = "operator"
"""The command line, with the operator's credential."""
USER = "user"
"""The kind of an actor in whose name a call is made."""
_KNOWS_ROLES = "directory"
_ASKS_FOR_RIGHTS = frozenset(
    {
        *(f"Ingress/{name}" for name in ("ListWaiting", "ReleaseWaiting", "CancelWaiting")),
        *(f"Expiry/{name}" for name in ("ListExpiry", "ChangeExpiry")),
        *(f"Removed/{name}" for name in ("ListRemoved", "RestoreRemoved")),
        *(f"Annotations/{name}" for name in ("ListAnnotations", "SetAnnotations")),
        "Journal/ListJournal",
        "Finding/Query",
        *(f"EventLog/{name}" for name in ("Query", "Chart")),
        *(f"Maildrops/{name}" for name in ("ListForImport", "ImportUniqueIds")),
        *(f"MailboxSharing/{name}" for name in ("ListGrants", "RevokeGrants")),
        *(f"Scripts/{name}" for name in ("PutScript", "CheckScript", "GetScript", "ListScripts", "ActivateScript")),
        *(f"Scripts/{name}" for name in ("RenameScript", "DeleteScript", "ListScriptChanges", "RevertScript")),
        *(f"DryRuns/{name}" for name in ("TestScript", "WhatIf")),
        *(f"Applying/{name}" for name in ("ApplyScript", "ListApplications", "UndoApplication")),
    }
)
"""Methods that ask the directory whose mail it is."""

_ERASES = tuple(
    f"directory.Erasures/{name}" for name in ("NextErasure", "NoteMails", "ReadMails", "ReportProgress", "EndStep")
)
"""What a service calls that erases its part of a deleted account."""

_TABLE: dict[str, tuple[str, ...]] = {
    "ingress": (
        *_ERASES,
        "directory.Directory/Resolve",
        "directory.Directory/Authenticate",
        "directory.LogIns/*",
        "directory.Directory/MaySendAs",
        "directory.Archives/StatesOfAccounts",
        "directory.ReturnPaths/Secrets",
        "directory.Signatures/ChooseSignature",
        "directory.Lists/MayPost",
        "directory.MailRights/AccountsOf",
        "directory.Moderators/JudgePost",
        "delivery.HeldPosts/Room",
        "delivery.HeldPosts/CheckDecision",
        "delivery.Refusals/WouldRefuse",
        "directory.events/*",
        "mailstore.Mailstore/Quota",
        "mailstore.Quota/ListNearlyFull",
        "mailstore.Scripts/ListPlaces",
    ),
    "classifier": (
        *_ERASES,
        "mailstore.events/*",
        "mailstore.Mailstore/Fetch",
        "mailstore.Mailstore/ListMailboxes",
        "ingress.Ingress/Hold",
        "directory.events/*",
    ),
    "delivery": (
        *_ERASES,
        "directory.Directory/Resolve",
        "directory.Addressees/AddresseeOf",
        "directory.Addressees/ScriptOwnerOf",
        "directory.Blocking/ListEntries",
        "directory.Directory/MaySendAs",
        "directory.ReturnPaths/Secrets",
        "directory.Lists/MayPost",
        "directory.Lists/ListMembers",
        "directory.Lists/LeaveByMail",
        "directory.Lists/CountBounce",
        "directory.Moderators/JudgePost",
        "directory.Moderators/ListModeratorsOf",
        "directory.Moderators/ShowModeration",
        "directory.events/*",
        "mailstore.Annotations/GetAnnotation",
        "mailstore.Mailstore/Deliver",
        "mailstore.Mailstore/ListMailboxes",
        "mailstore.Mailstore/OpenAccount",
        "mailstore.Mailstore/Quota",
        "mailstore.Scripts/GetScript",
        "mailstore.Scripts/ListPlaces",
        "outbound.Outbound/Enqueue",
        "ingress.Ingress/Hold",
        "ingress.Ingress/SubmitReport",
        "mailstore.Mailstore/Fetch",
        "directory.MailRights/AccountsOf",
        "eventlog.EventLog/ReadArrivals",
    ),
    "directory": ("delivery.HeldPosts/ListHeld", "delivery.HeldPosts/DecidePost"),
    "mailstore": (
        *_ERASES,
        "delivery.ScriptChanges/FollowScripts",
        "delivery.ScriptSending/SendForScript",
        "directory.events/*",
        "directory.Directory/ShowAccount",
        "directory.Addressees/AddresseeOf",
        "directory.Addressees/ScriptOwnerOf",
        "directory.Sharing/Identify",
        "directory.Sharing/ListIdentifiers",
        "directory.Sharing/HeldIdentifiers",
        "directory.ExpiryRules/RulesOf",
        "directory.AllMail/AllMailOf",
        "directory.MailRights/AccountsOf",
        "ingress.Ingress/SubmitReport",
        "indexer.TextIndex/*",
    ),
    "access": (
        "mailstore.Mailstore/*",
        "mailstore.Reads/NoteReads",
        "mailstore.Annotations/ListAnnotations",
        "mailstore.Annotations/SetAnnotations",
        "mailstore.Annotations/ListAnnotationChanges",
        "mailstore.Maildrops/OpenMaildrop",
        "mailstore.Maildrops/RemoveFetched",
        "mailstore.Ordering/Sort",
        "mailstore.Ordering/Thread",
        *(f"mailstore.MailboxSharing/{name}" for name in ("FindOwner", "ListShared", "GetAcl", "SetAcl")),
        *(f"mailstore.MailboxSharing/{name}" for name in ("ListRights", "MyRights")),
        *(f"mailstore.Scripts/{name}" for name in ("PutScript", "CheckScript", "GetScript", "ListScripts")),
        *(f"mailstore.Scripts/{name}" for name in ("ActivateScript", "RenameScript", "DeleteScript")),
        "directory.Directory/Authenticate",
        "directory.LogIns/*",
        "directory.Sharing/Identify",
        "directory.Sharing/ListIdentifiers",
        "directory.events/*",
    ),
    "outbound": (
        *_ERASES,
        "directory.Directory/Resolve",
        "directory.Addressees/AddresseeOf",
        "directory.Directory/SendingOf",
        "directory.Signatures/ShowVersion",
        "directory.events/*",
        "ingress.Ingress/Hold",
        "ingress.Ingress/SubmitReport",
    ),
    "indexer": (
        *_ERASES,
        "mailstore.events/*",
        "mailstore.Documents/*",
        "directory.events/*",
    ),
    "eventlog": (
        "*.events/*",
        *_ERASES,
        "directory.Directory/ShowAccount",
        "directory.Directory/ShowUser",
        "directory.MailRights/AccountsOf",
    ),
    OPERATOR: ("*",),
}
_REFUSED_TO_OPERATOR = (
    "mailstore.Mailstore/Deliver",
    "outbound.Outbound/Enqueue",
    "ingress.Ingress/SubmitReport",
    "delivery.ScriptSending/SendForScript",
    "directory.Directory/SendingOf",
    "directory.ReturnPaths/Secrets",
    "directory.Lists/CountBounce",
    "directory.Erasures/NoteMails",
    "directory.Erasures/EndStep",
)
"""Calls that hand over mail are only for services: an operator may retry a delivery but not forge one. The same is true
of private keys and passwords, and of saying that something is erased."""


def may_reach(caller: str, service: str) -> bool:
    """Whether `caller` may call any method of `service`."""
    return any(fnmatchcase(service, allowed.partition(".")[0]) for allowed in _TABLE.get(caller, ()))


def needs_operator(caller: str, service: str, path: str, actor_kind: str) -> bool:
    """Whether a call in the name of a user is refused: only the directory knows what users may do.

    `path` is that of the method. Some methods of other services ask the directory themselves.
    """
    if caller != OPERATOR or actor_kind != USER or service == _KNOWS_ROLES:
        return False
    return path.rpartition(".")[2] not in _ASKS_FOR_RIGHTS


@lru_cache(maxsize=4096)
def may_call(caller: str, service: str, method: str) -> bool:
    """Whether `caller` may call `/mailfold.<area>.v1.<Contract>/<Method>` of `service`."""
    contract, _, name = method.rpartition("/")
    short = contract.rpartition(".")[2]
    what = f"{service}.{'events' if short == 'EventSource' else short}/{name}"
    if caller == OPERATOR and what in _REFUSED_TO_OPERATOR:
        return False
    return any(fnmatchcase(what, allowed) for allowed in _TABLE.get(caller, ()))
