"""Settings of the mailbox store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section


class MailstoreSettings(Section, frozen=True):
    """Limits of an account."""

    max_mailboxes: Annotated[int, Meta(description="Mailboxes an account may have.", ge=10, le=1_000_000)] = 10_000
    max_subscriptions: Annotated[
        int, Meta(description="Mailbox names an account may be subscribed to.", ge=10, le=1_000_000)
    ] = 10_000
    search_texts: Annotated[
        int, Meta(description="Different texts that one SEARCH may compare: fields, BODY, TEXT.", ge=10, le=2000)
    ] = 100


SECTIONS: Mapping[str, type[Section]] = {"mailstore": MailstoreSettings}
