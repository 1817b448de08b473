"""The commands that are allowed in each state, as tables (RFC 3501 §3)."""

from enum import Enum

from shared.protocol.imap import acl_commands as acl
from shared.protocol.imap import commands as c
from shared.protocol.imap import ordering_commands as o
from shared.protocol.imap.any_command import AnyCommand
from shared.protocol.imap.connection_commands import Compress, UnAuthenticate
from shared.protocol.imap.multisearch_command import MultiSearch
from shared.protocol.imap.notify_command import ImapNotify
from shared.protocol.imap.replace_command import Replace
from shared.protocol.imap.search_key import names_numbers


class ImapState(Enum):
    """The state of a connection."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


_ANY = frozenset({ImapState.NOT_AUTHENTICATED, ImapState.AUTHENTICATED, ImapState.SELECTED})
_NOT_AUTHENTICATED = frozenset({ImapState.NOT_AUTHENTICATED})
_AUTHENTICATED = frozenset({ImapState.AUTHENTICATED, ImapState.SELECTED})
_SELECTED = frozenset({ImapState.SELECTED})

ALLOWED: dict[type[c.Command], frozenset[ImapState]] = {
    **dict.fromkeys((c.Capability, c.Noop, c.Logout, c.Id), _ANY),
    **dict.fromkeys((c.StartTls, c.Authenticate, c.Login), _NOT_AUTHENTICATED),
    **dict.fromkeys(
        (
            c.Enable,
            c.Select,
            c.Create,
            c.Delete,
            c.Rename,
            c.Subscribe,
            c.Unsubscribe,
            c.List,
            c.Lsub,
            c.Namespace,
            c.Status,
            c.Append,
        ),
        _AUTHENTICATED,
    ),
    **dict.fromkeys((acl.SetAcl, acl.DeleteAcl, acl.GetAcl, acl.ListRights, acl.MyRights), _AUTHENTICATED),
    **dict.fromkeys((c.Idle, c.GetQuota, c.GetQuotaRoot, c.SetQuota, c.GetMetadata, c.SetMetadata), _AUTHENTICATED),
    **dict.fromkeys((Compress, UnAuthenticate), _AUTHENTICATED),
    **dict.fromkeys((c.Close, c.Unselect, c.Check, c.Expunge, c.Search, c.Fetch, c.Store, c.Copy, c.Move), _SELECTED),
    Replace: _SELECTED,
    MultiSearch: _AUTHENTICATED,
    **dict.fromkeys((o.Sort, o.Thread, o.CancelUpdate), _SELECTED),
    ImapNotify: _AUTHENTICATED,
}
"""The states in which each command is allowed; in LOGOUT none is."""


def is_allowed(command: AnyCommand, state: ImapState) -> bool:
    """Whether the state allows the command; otherwise it is answered BAD (RFC 3501 §3)."""
    return state in ALLOWED[type(command)]


def forbids_expunge(command: AnyCommand) -> bool:
    """Whether no EXPUNGE may be sent during the command: one with sequence numbers (RFC 3501 §7.4.1)."""
    return isinstance(command, c.Fetch | c.Store | c.Search | o.Sort | o.Thread) and not command.uid


def needs_numbers(command: AnyCommand) -> bool:
    """Whether the command uses or asks for sequence numbers, which a client of UIDONLY gave up (RFC 9586 §3)."""
    match command:
        case c.Fetch() | c.Store() | c.Copy() | c.Move() | Replace():
            return not command.uid
        case c.Search() | o.Sort() | o.Thread():
            return not command.uid or names_numbers(command.key)
        case MultiSearch():
            return names_numbers(command.key)
        case c.Select(qresync=c.Qresync(sequence_match=tuple())):
            return True
        case _:
            return False


def refusal_of_tls(command: AnyCommand, secure: bool, cleartext_login: bool = False) -> str | None:
    """Why the transport forbids the command; None when it does not.

    STARTTLS is forbidden over TLS, and log-in without TLS (RFC 3501 §6.2.1, §11.2).
    """
    if secure:
        return "TLS is active already" if isinstance(command, c.StartTls) else None
    if isinstance(command, c.Login | c.Authenticate) and not cleartext_login:
        return "Log-in needs TLS"
    return None
