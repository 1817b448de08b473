"""Events as documents of OpenSearch: what is searched and counted, and the raw event, which is not indexed.

Every value was folded, cut and checked before, so OpenSearch never has to interpret one.
"""

from __future__ import annotations

from typing import Any

import orjson

from services.eventlog.adapters.logged_event import LoggedEvent
from services.eventlog.adapters.waits import Acceptances
from services.eventlog.domain.charts import WAITED, counted, wait_class
from services.eventlog.domain.fields import fields_of
from services.eventlog.domain.names import names_of
from services.eventlog.domain.words import text_of, words_of
from shared.eventstore.connection import Reader


def document_of(reader: Reader, event: LoggedEvent, acceptances: Acceptances) -> bytes:
    """The document, as JSON on one line."""
    fields = fields_of(event.type, event.data, event.actor, event.stream, event.correlation)
    document: dict[str, Any] = {name: sorted(values) for name, values in fields._asdict().items() if values}
    document |= {
        "@timestamp": max(event.at, 0) // 1000,
        "id": event.event_id,
        "log_id": event.id,
        "at": event.at,
        "service": event.service,
        "type": event.type,
        "mailboxes": sorted({name.casefold() for name in names_of(event.type, event.data).mailboxes}),
        "words": " ".join(words_of(text_of(event.type, event.stream, event.actor, event.data))),
        "actor": event.actor,
        "raw": event.data.decode(errors="replace"),
    }
    return orjson.dumps(document | _charted(reader, event, acceptances))


def _charted(reader: Reader, event: LoggedEvent, acceptances: Acceptances) -> dict[str, Any]:
    """What the event adds to charts."""
    adds = counted(event.type, event.data)
    values: dict[str, Any] = {"counted": adds.name, "number": adds.number} if adds.name else {}
    if adds.reasons:
        values["reasons"] = adds.reasons
    acceptances.learn(event)
    if event.type in WAITED and (wait := acceptances.wait(reader, event)) is not None:
        values[f"until_{WAITED[event.type]}"] = wait_class(wait)
    return values
