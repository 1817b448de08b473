"""Settings of the mailbox store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from services.mailstore.domain.state import DEFAULTS, DefaultMailboxes, default_mailboxes
from shared.expiry import DAY, MOST_DAYS
from shared.settings import Section


def _name_of(what: str) -> Meta:
    text = f"Name of the mailbox for {what} in new accounts; those that exist keep theirs."
    return Meta(description=text, min_length=1, max_length=100, pattern=r"^[^/%*\x00-\x1f\x7f]+$")


class MailstoreSettings(Section, frozen=True):
    """Limits of an account, and the names of the mailboxes with which it begins."""

    max_mailboxes: Annotated[int, Meta(description="Mailboxes an account may have.", ge=10, le=1_000_000)] = 10_000
    max_subscriptions: Annotated[
        int, Meta(description="Mailbox names an account may be subscribed to.", ge=10, le=1_000_000)
    ] = 10_000
    search_texts: Annotated[
        int, Meta(description="Different texts that one SEARCH may compare: fields, BODY, TEXT.", ge=10, le=2000)
    ] = 100
    index_seconds: Annotated[
        float,
        Meta(description="Seconds that a search waits for the text index before it reads messages.", ge=0.1, le=300),
    ] = 10.0
    query_reads: Annotated[
        int,
        Meta(
            description="Messages that one query of the console, the API or `mailfold search` may read because the "
            "text index does not decide. Older ones are left out above it, and the answer says that it is partial.",
            ge=100,
            le=1_000_000,
        ),
    ] = 5_000
    query_read_megaoctets: Annotated[
        int,
        Meta(description="Megaoctets that these messages may have together, to the same effect.", ge=1, le=65_536),
    ] = 512
    ordering_megaoctets: Annotated[
        int,
        Meta(
            description="Megaoctets that the keys of one SORT or the references of one THREAD may take; a mailbox that "
            "needs more must be searched for fewer messages. Some 100,000 messages need 10 to 50.",
            ge=16,
            le=65_536,
        ),
    ] = 256
    kept_ordering_megaoctets: Annotated[
        int,
        Meta(
            description="Megaoctets of sort keys and threads kept in memory, so that the next SORT or THREAD of the "
            "same mailbox reads new messages only; what was not used for the longest time is forgotten. 0: none.",
            ge=0,
            le=65_536,
        ),
    ] = 64
    max_keywords: Annotated[
        int,
        Meta(
            description="Different keywords that a mailbox may have, including those no longer used.", ge=50, le=100_000
        ),
    ] = 1000
    max_message_keywords: Annotated[int, Meta(description="Keywords that one message may have.", ge=5, le=1000)] = 64
    access_entries: Annotated[
        int,
        Meta(description="Entries that the access control list of a mailbox (RFC 4314) may have.", ge=10, le=10_000),
    ] = 500
    own_seen: Annotated[
        bool,
        Meta(
            description="Whether \\Seen becomes each user's own in mailboxes that are shared for the first time. "
            "Owners say otherwise by the annotation /shared/vendor/mailfold/seen of a mailbox: `own` or `shared`."
        ),
    ] = False
    annotation_octets: Annotated[
        int, Meta(description="Octets that the value of an annotation (METADATA) may have.", ge=1024, le=65_536)
    ] = 16_384
    mailbox_annotations: Annotated[
        int,
        Meta(
            description="Annotations that a mailbox may have, and an account, or the server, beside its mailboxes.",
            ge=10,
            le=200,
        ),
    ] = 50
    account_annotations: Annotated[
        int, Meta(description="Annotations that an account may have with all its mailboxes.", ge=10, le=100_000)
    ] = 1000
    annotated_octets_per_hour: Annotated[
        int,
        Meta(
            description="Octets of annotations that an account may set within an hour, because every value stays in "
            "the event store; entries can be removed at any time.",
            ge=1024 * 1024,
            le=1024 * 1024 * 1024,
        ),
    ] = 32 * 1024 * 1024
    expiry_seconds: Annotated[
        float, Meta(description="Seconds between two looks for messages that are to expire.", ge=1, le=86_400)
    ] = 600.0
    undelete_days: Annotated[
        int,
        Meta(
            description="Days in which removed messages can be restored, and their bodies are kept; 0: they cannot.",
            ge=0,
            le=3650,
        ),
    ] = 30
    owner_expiry: Annotated[
        bool, Meta(description="Whether owners of accounts may set how long messages stay in their mailboxes.")
    ] = True
    owner_expiry_least: Annotated[
        int, Meta(description="The fewest days after which an owner may let a mailbox forget.", ge=1, le=MOST_DAYS)
    ] = 1
    owner_expiry_most: Annotated[
        int,
        Meta(
            description="The most days that an owner may set; then `never` is refused, too. 0: no limit.",
            ge=0,
            le=MOST_DAYS,
        ),
    ] = 0
    copy_messages: Annotated[
        int, Meta(description="Messages that one COPY may copy: they are one commit.", ge=1000, le=10_000_000)
    ] = 100_000
    script_applications: Annotated[
        int,
        Meta(
            description="Applications of scripts to mailboxes that an account may still undo; the oldest is forgotten.",
            ge=1,
            le=100,
        ),
    ] = 10
    application_work: Annotated[
        int,
        Meta(
            description="Megaoctets that scripts which an account applies to its mailboxes may compare, copy and decode"
            " within an hour; then the application ends.",
            ge=100,
            le=10_000_000,
        ),
    ] = 20_000
    drafts_name: Annotated[str, _name_of("drafts")] = "Drafts"
    sent_name: Annotated[str, _name_of("sent mail")] = "Sent"
    spam_name: Annotated[str, _name_of("spam")] = "Spam"
    trash_name: Annotated[str, _name_of("deleted mail")] = "Trash"
    archive_name: Annotated[str, _name_of("mail to keep")] = "Archive"
    all_mail_name: Annotated[str, _name_of("the messages of all other mailboxes")] = "All Mail"

    def undelete_border(self, now: int) -> int:
        """Messages that were removed before this time cannot be restored, in UTC microseconds."""
        return now - self.undelete_days * DAY

    def default_mailboxes(self) -> DefaultMailboxes:
        """The names and special uses of the mailboxes of a new account; a name that is given twice is not used."""
        given = self.drafts_name, self.sent_name, self.spam_name, self.trash_name, self.archive_name
        chosen = dict(zip([use for _, use in DEFAULTS if use], given, strict=True))
        return default_mailboxes(chosen)


SECTIONS: Mapping[str, type[Section]] = {"mailstore": MailstoreSettings}
