"""Which users may send as accounts of others, from the directory's events."""

from __future__ import annotations

from shared.events.directory import AccountRemoved, UserRemoved, UserSwitched
from shared.events.send_as import SendAsGranted, SendAsRevoked
from shared.eventstore.event import Event
from shared.routing.known_names import KnownAccount


class SendAsGrants:
    """The grants in memory. A grant ends with the account and with the user, and rests while its owner is disabled."""

    def __init__(self) -> None:
        self._users: dict[str, frozenset[str]] = {}
        """By account."""
        self._disabled: set[str] = set()
        """Users who are disabled."""

    def apply(self, event: Event) -> None:
        """Apply one event; other events are ignored."""
        match event:
            case SendAsGranted(user, account):
                self._users[account] = self._users.get(account, frozenset()) | {user}
            case SendAsRevoked(user, account):
                self._revoke(user, account)
            case AccountRemoved(identity):
                self._users.pop(identity, None)
            case UserSwitched(identity, disabled):
                (self._disabled.add if disabled else self._disabled.discard)(identity)
            case UserRemoved(identity):
                self._disabled.discard(identity)
                for account in [account for account, users in self._users.items() if identity in users]:
                    self._revoke(identity, account)
            case _:
                pass

    def has(self, user: str, account: KnownAccount) -> bool:
        """Whether a user may send as an account of another user."""
        return user in self._users.get(account.id, ()) and account.user not in self._disabled

    def _revoke(self, user: str, account: str) -> None:
        left = self._users.get(account, frozenset()) - {user}
        if left:
            self._users[account] = left
        else:
            self._users.pop(account, None)
