"""When the mails were accepted that events are about, so that it is known how long they waited."""

from __future__ import annotations

from collections import OrderedDict

from services.eventlog.adapters.key_index import ids_by_keys
from services.eventlog.adapters.logged_event import LoggedEvent, by_ids
from services.eventlog.domain.charts import RECEPTIONS
from services.eventlog.domain.keys import MAIL, key_of
from services.eventlog.domain.names import names_of
from shared.eventstore.connection import Reader

_REMEMBERED = 50_000
_FIRST_EVENTS = 50
"""The reception is among the first events of a mail."""


class Acceptances:
    """Remembers the latest acceptances, and looks up others. Only one thread may use it at a time."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, int] = OrderedDict()

    def learn(self, event: LoggedEvent) -> None:
        """Note the time of a reception."""
        if event.type in RECEPTIONS:
            self._keep(names_of(event.type, event.data).queue_id, event.at)

    def wait(self, reader: Reader, event: LoggedEvent) -> int | None:
        """The microseconds from the acceptance of its mail to this event; None when the log does not know it."""
        queue_id = names_of(event.type, event.data).queue_id
        if queue_id not in self._at and (accepted := _accepted_at(reader, queue_id)):
            self._keep(queue_id, accepted)
        return event.at - self._at[queue_id] if queue_id in self._at else None

    def _keep(self, queue_id: str, at: int) -> None:
        self._at[queue_id] = at
        if len(self._at) > _REMEMBERED:
            self._at.popitem(last=False)


def _accepted_at(reader: Reader, queue_id: str) -> int:
    if not queue_id:
        return 0
    ids = ids_by_keys(reader, [key_of(MAIL, queue_id)])
    first = [log_id for log_id, _ in zip(ids, range(_FIRST_EVENTS), strict=False)]
    receptions = by_ids(reader, first, RECEPTIONS)
    named = (event.at for event in receptions if names_of(event.type, event.data).queue_id == queue_id)
    return next(named, 0)
