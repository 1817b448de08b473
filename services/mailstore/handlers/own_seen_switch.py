r"""Makes \Seen of a mailbox each user's own, or the same for all again (the annotation `SEEN_ENTRY`)."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.domain.decide import EVENT_MESSAGES, MailboxRefused
from services.mailstore.domain.flags import SEEN
from services.mailstore.handlers.all_mail import is_all_mail
from services.mailstore.projections import chosen
from services.mailstore.projections.own_seen_rows import ALL_READERS, readers, runs_within, seen_of
from services.mailstore.projections.own_seen_rows import is_own as is_own_now
from shared.events.mailbox import FlagsChanged
from shared.events.metadata import AnnotationsChanged, AnnotationValue
from shared.events.own_seen import OwnSeenChanged
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event
from shared.protocol.imap.entry_name import OWN_SEEN, SEEN_ENTRY, SHARED_SEEN
from shared.protocol.imap.ranges import Ranges, common, joined, pages, without

_ALL: Ranges = ((1, 1 << 40),)
_IS_SET = "SELECT 1 FROM annotation WHERE owner = ? AND mailbox = ? AND entry = ?"


def check(mailbox: str, entries: Sequence[tuple[str, bytes | None]]) -> bool:
    """Whether the annotation is among these; `mailbox` is an id. Raises MailboxRefused CANNOT."""
    given = [value for entry, value in entries if entry == SEEN_ENTRY]
    if not given:
        return False
    if not mailbox or is_all_mail(mailbox):
        raise MailboxRefused("CANNOT", f"{SEEN_ENTRY} is an annotation of a mailbox that can be shared")
    if any(value not in (None, OWN_SEEN, SHARED_SEEN) for value in given):
        raise MailboxRefused("CANNOT", f"the value of {SEEN_ENTRY} is `own` or `shared`")
    return True


def consequences(reader: Reader, account: str, changes: Sequence[AnnotationsChanged]) -> list[Event]:
    """What else is recorded with these changes of annotations, after them."""
    events: list[Event] = []
    for change in changes:
        values = [value.value for value in change.values if value.entry == SEEN_ENTRY]
        if not values or not change.mailbox:
            continue
        was_own, is_own = is_own_now(reader, change.mailbox), values[-1] == OWN_SEEN
        if is_own and not was_own:
            events += _begun(reader, account, change.mailbox)
        elif was_own and not is_own:
            events += _ended(reader, account, change.mailbox)
    return events


def begin(reader: Reader, account: str, mailbox: str) -> list[Event]:
    r"""The events that make \Seen each user's own, unless the owner has said how it is to be."""
    if reader.first_row(_IS_SET, (account, mailbox, SEEN_ENTRY)):
        return []
    change = AnnotationsChanged(account, mailbox, (AnnotationValue(SEEN_ENTRY, OWN_SEEN),))
    return [change, *consequences(reader, account, [change])]


def _begun(reader: Reader, account: str, mailbox: str) -> list[Event]:
    """What is seen now is seen for all, so that nobody finds a mailbox full of new messages."""
    seen = _seen_by_owner(reader, mailbox)
    return [OwnSeenChanged(account, mailbox, ALL_READERS, uids, True) for uids in pages(seen, EVENT_MESSAGES)]


def _ended(reader: Reader, account: str, mailbox: str) -> list[Event]:
    r"""A change of no flag: messages get a new MODSEQ when their \Seen becomes another one for anybody."""
    of_owner, there = _seen_by_owner(reader, mailbox), chosen.messages(reader, mailbox, _ALL).uids
    different: list[tuple[int, int]] = []
    for name in readers(reader, mailbox):
        of_reader = seen_of(runs_within(reader, mailbox, name, _ALL))
        different += [*without(of_owner, of_reader), *without(of_reader, of_owner)]
    changed = common(joined(sorted(different)), there)
    return [FlagsChanged(account, mailbox, uids, "add", ()) for uids in pages(changed, EVENT_MESSAGES)]


def _seen_by_owner(reader: Reader, mailbox: str) -> Ranges:
    runs = chosen.flag_runs(reader, mailbox, _ALL, None)
    return joined((run.first, run.last) for run in runs if run.flags.system & SEEN)
