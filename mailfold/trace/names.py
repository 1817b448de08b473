"""Names for the ids in facts: mailboxes, accounts, users; themselves learnt from facts."""

from __future__ import annotations

from collections.abc import Iterable

from shared.events import directory, mailbox
from shared.eventstore.event import Event


class Names:
    """What is known of each id; an unknown one stands for itself."""

    def __init__(self, facts: Iterable[Event] = ()) -> None:
        self._names: dict[str, str] = {}
        for fact in facts:
            self.learn(fact)

    def learn(self, fact: Event) -> None:
        """Take the names out of a fact; facts come oldest first."""
        match fact:
            case mailbox.AccountOpened():
                self._names |= {one.id: one.name for one in fact.mailboxes}
            case mailbox.MailboxCreated():
                self._names[fact.mailbox.id] = fact.mailbox.name
            case mailbox.MailboxRenamed():
                self._names |= dict(fact.names)
            case directory.AccountAdded():
                self._names[fact.id] = fact.address
            case directory.UserAdded():
                self._names[fact.id] = fact.name
            case _:
                pass

    def of(self, identity: str) -> str:
        """The name."""
        return self._names.get(identity, identity)
