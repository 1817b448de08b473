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
    max_keywords: Annotated[
        int,
        Meta(
            description="Different keywords that a mailbox may have, including those no longer used.", ge=50, le=100_000
        ),
    ] = 1000
    max_message_keywords: Annotated[int, Meta(description="Keywords that one message may have.", ge=5, le=1000)] = 64
    copy_messages: Annotated[
        int, Meta(description="Messages that one COPY may copy: they are one commit.", ge=1000, le=10_000_000)
    ] = 100_000


SECTIONS: Mapping[str, type[Section]] = {"mailstore": MailstoreSettings}
