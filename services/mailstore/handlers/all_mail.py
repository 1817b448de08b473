"""The All Mail mailbox of an account: made, filled and ended by the server, and where its messages are.

Its messages belong to their own mailboxes: a change of flags, a copy, a move or an expunge through All Mail is carried
out there.
"""

from __future__ import annotations

from typing import NamedTuple

from services.mailstore.domain import decide
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.state import ALL, ARCHIVE, JUNK, TRASH, MailboxState
from services.mailstore.handlers import load, naming
from services.mailstore.projections.all_mail import of_account, shows
from services.mailstore.projections.conditions import conditions
from services.mailstore.projections.current import CURRENT
from shared.clock import Clock
from shared.events.all_mail_mailbox import AllMailEnded, AllMailFilled, AllMailMade
from shared.events.mailbox import MessagesMoved, NewMailbox
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction, answered
from shared.ids import IdKind, Ids
from shared.protocol.imap.ranges import Ranges, joined, ranges

_MAILBOXES = 200
"""Mailboxes that one unit of work looks at."""
WITHOUT = (JUNK, TRASH)
"""The special uses of mailboxes whose messages All Mail does not show."""
_NOT_SHOWN = (
    "SELECT uid FROM entry WHERE mailbox = ? AND NOT EXISTS (SELECT 1 FROM all_mail_link"
    " WHERE all_mail_link.mailbox = entry.mailbox AND all_mail_link.uid = entry.uid) ORDER BY uid LIMIT ?"
)


INTO = "CANNOT ALLMAIL"
"""The reason of a refusal when a command would put messages into All Mail."""


class ShownMessages(NamedTuple):
    """Messages of All Mail that are in one mailbox."""

    mailbox: str
    uids: Ranges
    """In that mailbox."""


def is_all_mail(mailbox: str) -> bool:
    """Whether an id is that of an All Mail mailbox."""
    return mailbox.startswith(IdKind.ALL_MAIL.value)


def make(tx: Transaction, account: str, name: str, ids: Ids, clock: Clock, provenance: Provenance) -> None:
    """Make the mailbox unless the account has it. With its name taken, it gets a number."""
    if not load.is_open(tx, account) or load.closing_of(tx, account) or of_account(tx, account):
        return
    names = (name, *(f"{name} {number}" for number in range(2, 100)))
    free = next((free for free in names if not load.mailbox_if_any(tx, account, "", free)), None)
    if free is not None:
        validity = naming.next_uid_validity(tx, clock)
        mailbox = NewMailbox(ids.new(IdKind.ALL_MAIL), free, validity, ALL, subscribed=False)
        tx.append(account, [AllMailMade(account, mailbox, WITHOUT)], provenance)


def fill(tx: Transaction, account: str, after: str, provenance: Provenance) -> str | None:
    """Show messages that were there before All Mail was made: those of one mailbox, as many as one event names.

    Returns the name after which to go on; None when all are shown.
    """
    all_mail = of_account(tx, account)
    if not all_mail:
        return None
    page = load.mailboxes(tx, account, after, _MAILBOXES)
    for mailbox in page:
        if shows(tx, all_mail, mailbox.id):
            uids = [row[0] for row in tx.all(_NOT_SHOWN, (mailbox.id, decide.EVENT_MESSAGES))]
            if uids:
                tx.append(account, [AllMailFilled(account, all_mail, mailbox.id, ranges(uids))], provenance)
                return after if len(uids) == decide.EVENT_MESSAGES else mailbox.name
        after = mailbox.name
    return after if len(page) == _MAILBOXES else None


def lacks_messages(reader: Reader, account: str) -> bool:
    """Whether messages are not shown that should be, by the counters of the mailboxes; no message is read."""
    all_mail = of_account(reader, account)
    row = reader.first_row("SELECT without FROM all_mailbox WHERE mailbox = ?", (all_mail,))
    if row is None:
        return False
    hidden, shown, there = row[0].split(), 0, 0
    for mailbox, use, messages in reader.all(
        "SELECT id, special_use, messages FROM mailbox WHERE account = ?", (account,)
    ):
        if mailbox == all_mail:
            shown = messages
        elif use not in hidden:
            there += messages
    return shown < there


def end(tx: Transaction, account: str, provenance: Provenance) -> None:
    """End the mailbox if the account has it."""
    all_mail = of_account(tx, account)
    if all_mail and not load.closing_of(tx, account):
        name = load.mailbox_by_id(tx, account, all_mail).name
        tx.append(account, [AllMailEnded(account, all_mail, name)], provenance)


def sources(reader: Reader, all_mail: str, uids: Ranges, *, deleted: bool = False) -> list[ShownMessages]:
    """Where messages of All Mail are, by mailbox; with `deleted` only those marked \\Deleted."""
    only = (
        f" AND EXISTS (SELECT 1 FROM {CURRENT} WHERE entry.mailbox = shown.all_mail AND entry.uid = shown.uid"  # noqa: S608
        " AND (entry.system & 8) <> 0)"
        if deleted
        else ""
    )
    places: dict[str, list[int]] = {}
    for condition, parameters in conditions(uids):
        sql = (
            "SELECT mailbox, own_uid FROM (SELECT mailbox, uid AS own_uid, all_mail, all_uid AS uid FROM all_mail_link"  # noqa: S608
            f" WHERE all_mail = ?) AS shown WHERE {condition}{only}"
        )
        for mailbox, uid in reader.all(sql, (all_mail, *parameters)):
            places.setdefault(mailbox, []).append(uid)
    return [ShownMessages(mailbox, ranges(sorted(own))) for mailbox, own in sorted(places.items())]


def moved_before(reader: Reader, account: str, provenance: Provenance) -> list[ShownMessages]:
    """What an earlier attempt at a MOVE out of All Mail has moved already, by mailbox.

    All Mail need not show these messages any more. Each mailbox is a part of the command, which may have several units.
    """
    parts: list[ShownMessages] = []
    after = ""
    while page := load.mailboxes(reader, account, after, _MAILBOXES):
        parts += [ShownMessages(box.id, uids) for box in page if (uids := _moved_from(reader, box.id, provenance))]
        after = page[-1].name
    return parts


def _moved_from(reader: Reader, mailbox: str, provenance: Provenance) -> Ranges:
    part, unit = provenance.of_part(mailbox), 0
    spans: list[tuple[int, int]] = []
    while earlier := answered(reader, part.of_unit(unit).command):
        spans += [span for entry in earlier if isinstance(entry.event, MessagesMoved) for span in entry.event.uids]
        unit += 1
    return joined(sorted(spans))


def with_earlier(sources: list[ShownMessages], earlier: list[ShownMessages]) -> list[ShownMessages]:
    """The messages as the first attempt named them, so that each part is recognised."""
    places: dict[str, Ranges] = {}
    for place in (*sources, *earlier):
        places[place.mailbox] = joined(sorted((*places.get(place.mailbox, ()), *place.uids)))
    return [ShownMessages(mailbox, uids) for mailbox, uids in sorted(places.items())]


def leaving(reader: Reader, account: str, mailbox: str, uids: Ranges) -> list[Event]:
    """The events that take messages out of a mailbox; those of All Mail leave the mailboxes where they are."""
    places = sources(reader, mailbox, uids) if is_all_mail(mailbox) else [ShownMessages(mailbox, uids)]
    return [event for place in places for event in decide.expunge(account, place.mailbox, place.uids)]


def shown_as(reader: Reader, mailbox: str, uids: Ranges) -> Ranges:
    """The UIDs in All Mail of messages of another mailbox."""
    shown: list[int] = []
    for condition, parameters in conditions(uids):
        sql = f"SELECT all_uid FROM all_mail_link WHERE mailbox = ? AND {condition}"  # noqa: S608
        shown += [row[0] for row in reader.all(sql, (mailbox, *parameters))]
    return ranges(sorted(shown))


def changed_after(reader: Reader, all_mail: str, uids: Ranges, version: int) -> Ranges:
    """Those of the UIDs whose messages changed after a version."""
    changed: list[int] = []
    for condition, parameters in conditions(uids):
        sql = f"SELECT uid FROM {CURRENT} WHERE mailbox = ? AND {condition} AND modseq > ?"  # noqa: S608
        changed += [row[0] for row in reader.all(sql, (all_mail, *parameters, version))]
    return ranges(sorted(changed))


def archive_of(reader: Reader, account: str) -> MailboxState:
    """The mailbox that takes what clients put into All Mail. Raises MailboxRefused CANNOT when there is none."""
    archive = load.mailbox_by_use(reader, account, ARCHIVE)
    if archive is None:
        raise MailboxRefused("CANNOT", "the server fills All Mail by itself")
    return archive


def as_goal(mailbox: MailboxState) -> MailboxState:
    """A mailbox into which a command puts messages. Raises MailboxRefused INTO for All Mail."""
    if is_all_mail(mailbox.id):
        raise MailboxRefused(INTO, "the server fills All Mail by itself")
    return mailbox
