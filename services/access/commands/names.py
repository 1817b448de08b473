"""The names of an account in the order in which LIST and LSUB show them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

import msgspec

from shared.protocol.imap.mailbox_name import INBOX, SEPARATOR, ancestors
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


class Name(msgspec.Struct, frozen=True):
    """A name that can be listed: a mailbox, a name that is only subscribed, or a name above others."""

    name: str
    mailbox: pb.Mailbox | None
    subscribed: bool
    has_children: bool
    is_level_of_others: bool = False
    """Whether it is only a level above the mailboxes of other accounts."""


class SortedNames:
    """Names in the order of their characters, so that all names below a name follow one another."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._all = frozenset(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def has_below(self, name: str) -> bool:
        """Whether any of the names is below this name."""
        below = name + SEPARATOR
        at = bisect_left(self._names, below)
        return at < len(self._names) and self._names[at].startswith(below)

    def with_ancestors(self) -> Iterator[str]:
        """Every name, each after the names above it, and none twice.

        It is a generator: the names above 10,000 deep names would be 300,000.
        """
        before = ""
        for name in self._names:
            for above in ancestors(name):
                if above not in self._all and not before.startswith(above + SEPARATOR):
                    yield above
            yield name
            before = name


class Names:
    """All names of an account at one version."""

    def __init__(self, known: pb.MailboxList, others: frozenset[str] = frozenset()) -> None:
        self._others = others
        self._mailboxes = {mailbox.name: mailbox for mailbox in known.mailboxes}
        self._parents = SortedNames(self._mailboxes)
        self.subscriptions = SortedNames(known.subscriptions)
        self._subscribed = frozenset(known.subscriptions)
        self._every = SortedNames(self._mailboxes.keys() | self._subscribed)

    def __len__(self) -> int:
        """The number of mailboxes and subscriptions."""
        return len(self._mailboxes) + len(self._subscribed)

    def __iter__(self) -> Iterator[Name]:
        """The names to list, INBOX first."""
        if INBOX in self._mailboxes or INBOX in self._subscribed:
            yield self._name(INBOX)
        for name in self._every.with_ancestors():
            if name != INBOX:
                yield self._name(name)

    def exists(self, name: str) -> bool:
        """Whether there is a mailbox of this name."""
        return name in self._mailboxes

    def is_subscribed(self, name: str) -> bool:
        """Whether the name itself is subscribed."""
        return name in self._subscribed

    def _name(self, name: str) -> Name:
        mailbox, subscribed = self._mailboxes.get(name), name in self._subscribed
        is_level = mailbox is None and not subscribed and name.partition(SEPARATOR)[0] in self._others
        return Name(name, mailbox, subscribed, self._parents.has_below(name), is_level)
