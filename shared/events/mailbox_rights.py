"""Events about who has which rights to a mailbox (RFC 4314), in the stream of the account that owns it."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("mailbox.rights_changed")
class MailboxRightsChanged(Event, frozen=True):
    """Rights to a mailbox were given or taken away.

    Each is (identifier, the rights that it has now; empty: none). An identifier is the id of an account or of a group,
    or `anyone`; with a hyphen before it, it takes these rights away from whom it names.
    """

    account: str
    mailbox: str
    rights: tuple[tuple[str, str], ...]
