"""The mailboxes of an account as a client of NOTIFY was last notified of them, and how they differ now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

from services.access.session.namespaces import Namespaces
from shared.protocol.imap.notify_command import NotifyFilter
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_ALL_MAIL = "\\All"
OWN_FILTERS = frozenset({NotifyFilter.PERSONAL, NotifyFilter.INBOXES})
"""Scripts may deliver into any mailbox of the account (RFC 5465 §6.2)."""
_OF_ALL_MAIL = frozenset({NotifyFilter.PERSONAL})
"""Nothing is delivered into All Mail."""
_OF_SHARED = frozenset[NotifyFilter]()
"""A mailbox of another account is not personal (RFC 5465 §6.3): it is watched when it is named or subscribed."""


class KnownMailbox(NamedTuple):
    """The name and the counters of a mailbox."""

    name: str
    uid_validity: int
    uid_next: int
    messages: int
    unseen: int
    modseq: int
    filters: frozenset[NotifyFilter]
    """The filters without names that concern it."""

    @property
    def is_readable(self) -> bool:
        """Whether its counters are known; those of a shared mailbox are not without `r`."""
        return self.uid_validity > 0


class MailboxDifference(NamedTuple):
    """A mailbox before and now; None before it was created or after it was deleted."""

    id: str
    before: KnownMailbox | None
    now: KnownMailbox | None

    @property
    def has_messages_changed(self) -> bool:
        """Whether messages came or went."""
        if self.before is None or self.now is None:
            return self.now is not None and self.now.messages > 0
        return self.before[2:4] != self.now[2:4]

    @property
    def has_changed(self) -> bool:
        """Whether messages came, went, or changed."""
        return self.has_messages_changed or (
            self.before is not None and self.now is not None and self.before.modseq != self.now.modseq
        )


class KnownMailboxes:
    """All mailboxes and subscriptions at one version. It is kept only while a client asks for their events."""

    def __init__(self, known: pb.MailboxList) -> None:
        self.version = known.version
        self.subscriptions = set(known.subscriptions)
        self._mailboxes = {mailbox.id: _known(mailbox) for mailbox in known.mailboxes}

    def __len__(self) -> int:
        """The number of mailboxes."""
        return len(self._mailboxes)

    def __iter__(self) -> Iterator[tuple[str, KnownMailbox]]:
        """The mailboxes with their ids."""
        return iter(list(self._mailboxes.items()))

    def of(self, identity: str) -> KnownMailbox | None:
        """The mailbox with this id."""
        return self._mailboxes.get(identity)

    def names_in(self, namespaces: Namespaces) -> set[str]:
        """The names that hide mailboxes of other accounts, because they are from before the namespaces."""
        return {mailbox.name for mailbox in self._mailboxes.values() if namespaces.foreign(mailbox.name) is not None}

    def take(self, mailboxes: Iterable[pb.Mailbox], gone: Iterable[str]) -> Iterator[MailboxDifference]:
        """Apply what changed; yields how the mailboxes differ."""
        for mailbox in mailboxes:
            before, now = self._mailboxes.get(mailbox.id), _known(mailbox)
            if before != now:
                self._mailboxes[mailbox.id] = now
                yield MailboxDifference(mailbox.id, before, now)
        for identity in gone:
            before = self._mailboxes.pop(identity, None)
            if before is not None:
                yield MailboxDifference(identity, before, None)

    def take_all(self, known: pb.MailboxList) -> Iterator[MailboxDifference]:
        """The same, with all mailboxes as they are now."""
        yield from self.take(known.mailboxes, ())
        yield from self.take_gone({mailbox.id for mailbox in known.mailboxes})

    def take_gone(self, present: Set[str]) -> Iterator[MailboxDifference]:
        """The same for all mailboxes but those with these ids, which are gone."""
        return self.take((), [identity for identity in self._mailboxes if identity not in present])

    def take_subscriptions(self, changes: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
        """Apply changed subscriptions; yields those that differ."""
        for name, subscribed in changes:
            if subscribed != (name in self.subscriptions):
                (self.subscriptions.add if subscribed else self.subscriptions.discard)(name)
                yield name, subscribed

    def take_all_subscriptions(self, names: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """The same, with all subscriptions as they are now."""
        now = set(names)
        ended = [(name, False) for name in self.subscriptions - now]
        return self.take_subscriptions([*sorted(ended), *((name, True) for name in sorted(now))])


def _known(mailbox: pb.Mailbox) -> KnownMailbox:
    return KnownMailbox(
        mailbox.name,
        mailbox.uid_validity,
        mailbox.uid_next,
        mailbox.messages,
        mailbox.unseen,
        mailbox.highest_modseq,
        _filters(mailbox),
    )


def _filters(mailbox: pb.Mailbox) -> frozenset[NotifyFilter]:
    if mailbox.rights:
        return _OF_SHARED
    return _OF_ALL_MAIL if mailbox.special_use == _ALL_MAIL else OWN_FILTERS
