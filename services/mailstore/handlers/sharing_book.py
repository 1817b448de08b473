"""The copy of the address book by which the mailstore knows who holds which identifiers."""

from __future__ import annotations

from shared.bus.bus import Bus
from shared.bus.subjects import RIGHTS_DOORBELL
from shared.events.directory import AccountChanged, DomainChanged
from shared.events.groups import GroupJoined, GroupLeft, GroupRemoved
from shared.events.sharing import SharingRuleChanged, SharingSwitched
from shared.eventstore.event import Event
from shared.grpc.channel import Channel
from shared.owner.followed_book import FollowedBook

_CHANGES_RIGHTS = (
    AccountChanged,
    DomainChanged,
    GroupJoined,
    GroupLeft,
    GroupRemoved,
    SharingRuleChanged,
    SharingSwitched,
)


class SharingBook(FollowedBook):
    """Rings when the directory has changed who has rights, so that sessions with others' mailboxes look again."""

    def __init__(self, service: str, channel: Channel, bus: Bus) -> None:
        super().__init__(service, channel, bus)
        self._bus = bus

    def take(self, event: Event, position: int) -> None:
        """Apply one of the directory's events."""
        super().take(event, position)
        if isinstance(event, _CHANGES_RIGHTS) and self.follower.caught_up.is_set():
            self._bus.ring(RIGHTS_DOORBELL)
