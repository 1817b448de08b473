"""Names for ids in events: of mailboxes, accounts, users, domains and DKIM keys. They come from events as well."""

from __future__ import annotations

from collections.abc import Iterable

from shared.events import all_mail_mailbox, credentials, directory, groups, mailbox, sending
from shared.eventstore.event import Event


class Names:
    """The known name of each id; an unknown id is shown itself."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._names: dict[str, str] = {}
        for event in events:
            self.learn(event)

    def learn(self, event: Event) -> None:
        """Learn the names in an event; events must be given oldest first."""
        match event:
            case mailbox.AccountOpened():
                self._names |= {mailbox.id: mailbox.name for mailbox in event.mailboxes}
            case mailbox.MailboxCreated() | all_mail_mailbox.AllMailMade():
                self._names[event.mailbox.id] = event.mailbox.name
            case mailbox.MailboxRenamed():
                self._names |= dict(event.names)
            case directory.AccountAdded() | credentials.ApplicationAdded() | credentials.ApplicationRenamed():
                self._names[event.id] = event.address
            case directory.DomainAdded() | credentials.AppPasswordAdded():
                self._names[event.id] = event.name
            case sending.DkimKeyAdded():
                self._names[event.id] = event.selector
            case groups.GroupAdded() | groups.GroupRenamed():
                self._names[event.id] = event.name
            case directory.UserAdded():
                self._names[event.id] = event.name
            case _:
                pass

    def of(self, identity: str) -> str:
        """The name for an id."""
        return self._names.get(identity, identity)
