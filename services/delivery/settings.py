"""Settings of delivery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from shared.settings import Section


class DeliverySettings(Section, frozen=True):
    """How deliveries are carried out."""

    concurrency: Annotated[
        int, Meta(description="Mails from outside delivered at once, and as many submitted ones.", ge=1, le=1000)
    ] = 64
    moderation_interval: Annotated[
        int,
        Meta(
            description="Seconds between two notifications of the moderators of a list. The first held post is notified"
            " at once; those that come within this time are in one notification.",
            ge=1,
            le=86_400,
        ),
    ] = 600
    redirects_per_day: Annotated[
        int,
        Meta(
            description="Messages that the scripts of an account send on to other servers in 24 hours, counted for each"
            " address. Above it they stay in the mailbox, and the owner gets a notice once a day.",
            ge=0,
            le=10_000,
        ),
    ] = 200
    answers_per_day: Annotated[
        int,
        Meta(
            description="Vacation responses that the scripts of an account send in 24 hours, to all senders together."
            " Above it no response is sent; the mail itself is delivered all the same.",
            ge=0,
            le=10_000,
        ),
    ] = 500
    notifications_per_day: Annotated[
        int,
        Meta(
            description="Notifications (RFC 5435) that the scripts of an account send in 24 hours. Above it none is"
            " sent, and the owner gets a notice once a day.",
            ge=0,
            le=10_000,
        ),
    ] = 200


SECTIONS: Mapping[str, type[Section]] = {"delivery": DeliverySettings}
