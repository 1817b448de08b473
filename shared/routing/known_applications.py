"""Applications from the directory's events: addresses of programs, which send and may be switched to receive."""

from __future__ import annotations

import msgspec

from shared.events import credentials
from shared.events.account_limits import AccountSizeLimitChanged, ApplicationQuotaChanged
from shared.eventstore.event import Event
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import parse_address

ApplicationEvent = (
    credentials.ApplicationAdded
    | credentials.ApplicationRenamed
    | credentials.ApplicationSwitched
    | credentials.ApplicationReceivingSwitched
    | credentials.ApplicationRemoved
    | ApplicationQuotaChanged
)


class KnownApplication(msgspec.Struct, frozen=True, gc=False):
    """An application. Its user is the application itself."""

    address: str
    id: str
    receives: bool
    quota_bytes: int = 0
    disabled: bool = False
    quota_messages: int = 0
    max_message_size: int = 0

    @property
    def takes_mail(self) -> bool:
        """Whether mail to it is stored."""
        return self.receives and not self.disabled


class KnownApplications:
    """Applications in memory. Every event must be applied in order; other events are ignored."""

    def __init__(self) -> None:
        self._by_key: dict[str, KnownApplication] = {}
        self._keys: dict[str, str] = {}

    def get(self, key: str) -> KnownApplication | None:
        """The application with this lookup key."""
        return self._by_key.get(key)

    def apply(self, event: Event) -> None:
        """Apply one event."""
        match event:
            case credentials.ApplicationAdded(identity, address):
                self._put(KnownApplication(address, identity, event.receives, event.quota_bytes))
            case credentials.ApplicationRenamed(identity, address):
                self._change(identity, address=address)
            case credentials.ApplicationSwitched(identity, disabled):
                self._change(identity, disabled=disabled)
            case credentials.ApplicationReceivingSwitched(identity, receives):
                self._change(identity, receives=receives)
            case ApplicationQuotaChanged(identity, quota_bytes, quota_messages):
                self._change(identity, quota_bytes=quota_bytes, quota_messages=quota_messages)
            case AccountSizeLimitChanged(identity, max_message_size):
                self._change(identity, max_message_size=max_message_size)
            case credentials.ApplicationRemoved(identity):
                self._by_key.pop(self._keys.pop(identity, ""), None)

    def _change(self, identity: str, **changes: object) -> None:
        known = self._by_key.pop(self._keys.pop(identity, ""), None)
        if known is not None:
            self._put(msgspec.structs.replace(known, **changes))

    def _put(self, application: KnownApplication) -> None:
        key = lookup_key(parse_address(application.address))
        self._by_key[key] = application
        self._keys[application.id] = key
