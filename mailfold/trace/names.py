"""Names for the ids in events: mailboxes, accounts, users; themselves learnt from events."""

from __future__ import annotations

from collections.abc import Iterable

from shared.events import directory, mailbox
from shared.eventstore.event import Event


class Names:
    """What is known of each id; an unknown one stands for itself."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._names: dict[str, str] = {}
        for event in events:
            self.learn(event)

    def learn(self, event: Event) -> None:
        """Take the names out of an event; events come oldest first."""
        match event:
            case mailbox.AccountOpened():
                self._names |= {mailbox.id: mailbox.name for mailbox in event.mailboxes}
            case mailbox.MailboxCreated():
                self._names[event.mailbox.id] = event.mailbox.name
            case mailbox.MailboxRenamed():
                self._names |= dict(event.names)
            case directory.AccountAdded():
                self._names[event.id] = event.address
            case directory.UserAdded():
                self._names[event.id] = event.name
            case _:
                pass

    def of(self, identity: str) -> str:
        """The name."""
        return self._names.get(identity, identity)
