"""Finds the mailbox of a delivery, and makes it where the script of the owner asks for that."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import structlog

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.state import JUNK, MailboxState
from services.mailstore.handlers import load, naming
from services.mailstore.handlers.all_mail import as_goal, is_all_mail
from services.mailstore.handlers.script_answers import special_use_of
from services.mailstore.settings import MailstoreSettings
from shared.clock import Clock
from shared.events.mailbox import MailboxCreated
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.protocol.imap.mailbox_name import INBOX, InvalidMailboxName

log = structlog.get_logger("mailstore")


class DeliveryPlace(NamedTuple):
    """Where a delivery goes; a mailbox that does not exist is INBOX, unless it is made."""

    name: str
    spam: bool = False
    """Into the \\Junk mailbox, if there is one."""
    create: bool = False
    mailbox_id: str = ""
    """The mailbox with this id takes precedence (RFC 9042 §4)."""
    special_use: str = ""
    """Then the mailbox with this use does (RFC 8579 §4); a mailbox that is made gets the use."""


class DeliveryPlaces:
    """Finds mailboxes within a unit of work."""

    def __init__(self, ids: Ids, clock: Clock, limits: MailstoreSettings) -> None:
        self._ids = ids
        self._clock = clock
        self._limits = limits

    def find(
        self, transaction: Transaction, account: str, place: DeliveryPlace, provenance: Provenance
    ) -> MailboxState:
        """The mailbox of a delivery. A mail is never refused because of the mailbox."""
        existing = self._existing(transaction, account, place)
        if existing is not None:
            return existing
        try:
            if place.create:
                self._create(transaction, account, place, provenance)
            return as_goal(load.mailbox_by_name(transaction, account, place.name or INBOX))
        except (MailboxRefused, InvalidMailboxName) as refused:
            log.info("mailstore.delivered_to_inbox", account=account, mailbox=place.name[:200], reason=str(refused))
            return load.mailbox_by_name(transaction, account, INBOX)

    @staticmethod
    def _existing(transaction: Transaction, account: str, place: DeliveryPlace) -> MailboxState | None:
        """The mailbox that is there already."""
        if place.mailbox_id:
            identified = load.mailbox_if_any(transaction, account, place.mailbox_id, "")
            if identified and not is_all_mail(identified[0].id):
                return identified[0]
        use = JUNK if place.spam else special_use_of(place.special_use)
        holder = load.mailbox_by_use(transaction, account, use) if use else None
        if holder is not None and not is_all_mail(holder.id):
            return holder
        named = load.mailbox_if_any(transaction, account, "", place.name or INBOX) if place.create else []
        return named[0] if named and not is_all_mail(named[0].id) else None

    def _create(self, transaction: Transaction, account: str, place: DeliveryPlace, provenance: Provenance) -> None:
        """Make the mailbox and the missing ones above it. Raises MailboxRefused LIMIT, InvalidMailboxName."""
        limit, use = self._limits.max_mailboxes, special_use_of(place.special_use)
        where = naming.place(transaction, account, place.name, use)
        validity = naming.next_uid_validity(transaction, self._clock)
        try:
            made = decide.create_mailbox(account, place.name, use, where, self._new_id, validity, limit)
        except MailboxRefused as refused:
            if refused.reason != "USEATTR":
                raise
            made = decide.create_mailbox(account, place.name, "", where, self._new_id, validity, limit)
        events = self._subscribed(transaction, account, made)
        transaction.append(account, events, Provenance(provenance.actor, provenance.cause, provenance.correlation))

    def _subscribed(self, transaction: Transaction, account: str, made: list[Event]) -> list[Event]:
        """The new mailboxes with a subscription, because no client made them and could subscribe."""
        if naming.subscriptions(transaction, account) + len(made) > self._limits.max_subscriptions:
            return made
        return [
            msgspec.structs.replace(event, mailbox=msgspec.structs.replace(event.mailbox, subscribed=True))
            if isinstance(event, MailboxCreated)
            else event
            for event in made
        ]

    def _new_id(self) -> str:
        return self._ids.new(IdKind.MAILBOX)
