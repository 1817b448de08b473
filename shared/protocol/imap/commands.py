"""One immutable value for each IMAP command: the grammar reads it, and the session carries it out."""

from enum import Enum

import msgspec

from shared.protocol.imap.append_pieces import AppendText
from shared.protocol.imap.entry_name import Depth
from shared.protocol.imap.fetch import FetchItem
from shared.protocol.imap.search_key import SearchKey
from shared.protocol.imap.sequence import SequenceSet


class Command(msgspec.Struct, frozen=True):
    """The base of all commands, with the tag that the response repeats."""

    tag: bytes


# -- any state


class Capability(Command, frozen=True):
    """CAPABILITY (RFC 3501 §6.1.1)."""


class Noop(Command, frozen=True):
    """NOOP (RFC 3501 §6.1.2)."""


class Logout(Command, frozen=True):
    """LOGOUT (RFC 3501 §6.1.3)."""


class Id(Command, frozen=True):
    """ID (RFC 2971): the client's description of itself, as (field, value) pairs."""

    fields: tuple[tuple[str, str | None], ...] = ()


# -- not authenticated


class StartTls(Command, frozen=True):
    """STARTTLS (RFC 3501 §6.2.1)."""


class Authenticate(Command, frozen=True):
    """AUTHENTICATE; `initial_response` is decoded, None when the client sent none (RFC 4959)."""

    mechanism: str
    initial_response: bytes | None = None

    def __repr__(self) -> str:
        return f"Authenticate(tag={self.tag!r}, mechanism={self.mechanism!r})"  # secrets must not be logged


class Login(Command, frozen=True):
    """LOGIN (RFC 3501 §6.2.3)."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login(tag={self.tag!r}, user={self.user!r})"  # secrets must not be logged


# -- authenticated


class Enable(Command, frozen=True):
    """ENABLE (RFC 5161); names are in upper case."""

    capabilities: tuple[str, ...]


class Qresync(msgspec.Struct, frozen=True):
    """The state that a returning client remembers (RFC 7162 §3.2.5).

    `sequence_match` pairs known sequence numbers with their UIDs.
    """

    uidvalidity: int
    modseq: int
    known_uids: SequenceSet | None = None
    sequence_match: tuple[SequenceSet, SequenceSet] | None = None


class Select(Command, frozen=True):
    """SELECT, or EXAMINE when `read_only`."""

    mailbox: str
    read_only: bool = False
    condstore: bool = False
    qresync: Qresync | None = None


class Create(Command, frozen=True):
    """CREATE, with the requested special uses (RFC 6154 §3)."""

    mailbox: str
    special_use: tuple[str, ...] = ()


class Delete(Command, frozen=True):
    """DELETE."""

    mailbox: str


class Rename(Command, frozen=True):
    """RENAME."""

    mailbox: str
    new_name: str


class Subscribe(Command, frozen=True):
    """SUBSCRIBE."""

    mailbox: str


class Unsubscribe(Command, frozen=True):
    """UNSUBSCRIBE."""

    mailbox: str


class StatusItem(Enum):
    """The items of STATUS; the value is the name on the wire."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"  # RFC 7162
    SIZE = b"SIZE"  # RFC 8438
    DELETED = b"DELETED"  # RFC 9051
    DELETED_STORAGE = b"DELETED-STORAGE"  # RFC 9208
    MAILBOXID = b"MAILBOXID"  # RFC 8474
    APPENDLIMIT = b"APPENDLIMIT"  # RFC 7889


class ListSelection(Enum):
    """LIST selection options (RFC 5258 §3.1)."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"  # RFC 6154


class ListReturn(Enum):
    """LIST return options without an argument (RFC 5258 §3.2)."""

    SUBSCRIBED = b"SUBSCRIBED"
    CHILDREN = b"CHILDREN"
    SPECIAL_USE = b"SPECIAL-USE"  # RFC 6154
    MYRIGHTS = b"MYRIGHTS"  # RFC 8440


class List(Command, frozen=True):
    """LIST (RFC 3501 §6.3.8, RFC 5258).

    `patterns` are those that names can match. `extended` says that the client used RFC 5258. `status` are the items of
    RETURN (STATUS ...).
    """

    reference: str
    patterns: tuple[str, ...]
    selection: frozenset[ListSelection] = frozenset()
    returns: frozenset[ListReturn] = frozenset()
    status: tuple[StatusItem, ...] = ()
    extended: bool = False
    metadata: tuple[str, ...] = ()
    """The entries of RETURN (METADATA ...) (RFC 9590)."""


class Lsub(Command, frozen=True):
    """LSUB; the pattern is None when no name can match it."""

    reference: str
    pattern: str | None


class Namespace(Command, frozen=True):
    """NAMESPACE (RFC 2342)."""


class Status(Command, frozen=True):
    """STATUS; the items in the client's order, each once."""

    mailbox: str
    items: tuple[StatusItem, ...]


class Append(Command, frozen=True):
    """APPEND up to its first literal; the text after each literal follows as a further `AppendText`."""

    mailbox: str
    text: AppendText


class Idle(Command, frozen=True):
    """IDLE (RFC 2177)."""


class GetQuota(Command, frozen=True):
    """GETQUOTA (RFC 9208)."""

    root: str


class SetQuota(Command, frozen=True):
    """SETQUOTA (RFC 9208)."""

    root: str
    limits: tuple[tuple[str, int], ...]
    """(resource name, limit)."""


class GetQuotaRoot(Command, frozen=True):
    """GETQUOTAROOT (RFC 9208)."""

    mailbox: str


class GetMetadata(Command, frozen=True):
    """GETMETADATA (RFC 5464 §4.2); an empty mailbox name is the server. Values over `most_octets` are left out."""

    mailbox: str
    entries: tuple[str, ...]
    depth: Depth = Depth.EXACT
    most_octets: int | None = None


class SetMetadata(Command, frozen=True):
    """SETMETADATA (RFC 5464 §4.3); an empty mailbox name is the server. None removes an entry."""

    mailbox: str
    values: tuple[tuple[str, bytes | None], ...]


# -- selected


class Close(Command, frozen=True):
    """CLOSE."""


class Unselect(Command, frozen=True):
    """UNSELECT (RFC 3691)."""


class Check(Command, frozen=True):
    """CHECK."""


class Expunge(Command, frozen=True):
    """EXPUNGE, or UID EXPUNGE of `uids` (RFC 4315)."""

    uids: SequenceSet | None = None


class SearchReturn(Enum):
    """ESEARCH return options (RFC 4731, SAVE: RFC 5182, CONTEXT, PARTIAL, UPDATE: RFC 5267 §4, RFC 9394,
    RELEVANCY: RFC 6203 §4)."""

    MIN = b"MIN"
    MAX = b"MAX"
    COUNT = b"COUNT"
    ALL = b"ALL"
    SAVE = b"SAVE"
    CONTEXT = b"CONTEXT"
    PARTIAL = b"PARTIAL"
    UPDATE = b"UPDATE"
    RELEVANCY = b"RELEVANCY"


class PartialRange(msgspec.Struct, frozen=True):
    """The results from one place to another, both included, in the client's order; negative places count from the
    last result, which is -1 (RFC 9394 §3.1)."""

    first: int
    last: int


class Search(Command, frozen=True):
    """SEARCH.

    `returns` is None for the old form, which is answered by `* SEARCH`; `RETURN ()` means ALL and is read as ALL.
    """

    key: SearchKey
    uid: bool = False
    returns: frozenset[SearchReturn] | None = None
    partial: PartialRange | None = None


class Fetch(Command, frozen=True):
    """FETCH; the items of UID FETCH include UID, and CHANGEDSINCE adds MODSEQ (RFC 7162 §3.1.4.1)."""

    sequence: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool = False
    changed_since: int | None = None
    vanished: bool = False
    partial: PartialRange | None = None


class StoreMode(Enum):
    """The change that STORE makes to flags."""

    REPLACE = b"FLAGS"
    ADD = b"+FLAGS"
    REMOVE = b"-FLAGS"


class Store(Command, frozen=True):
    """STORE."""

    sequence: SequenceSet
    mode: StoreMode
    flags: tuple[str, ...]
    silent: bool = False
    uid: bool = False
    unchanged_since: int | None = None


class Copy(Command, frozen=True):
    """COPY."""

    sequence: SequenceSet
    mailbox: str
    uid: bool = False


class Move(Command, frozen=True):
    """MOVE (RFC 6851)."""

    sequence: SequenceSet
    mailbox: str
    uid: bool = False
