"""Those who follow the facts: the event log must have each of them once, the lessons must say where the mail lies now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson

from mailfold.layouts import OWNERS
from shared.grpc.errors import ServiceError
from tests.chaos.conditions import until
from tests.chaos.owners import Owners

_FOLLOWERS = ("eventlog", "classifier", "delivery", "ingress")
_SECONDS = 60.0


async def caught_up(owners: Owners) -> float:
    """Waits until nobody is behind; the seconds that took."""
    return await until(lambda: _nobody_behind(owners), "every follower to catch up", _SECONDS, look=0.25)


async def log_faults(owners: Owners, store: Path) -> list[str]:
    """The event log's facts against the owners' events."""
    kept = (await owners.report("eventlog")).counts["facts"]
    written = sum(_count(store / f"{service}.sqlite") for service in OWNERS)
    return [] if kept == written else [f"the event log has {kept} facts of {written}"]


def lesson_faults(store: Path) -> list[str]:
    """What lies in Spam, and was not put there by the filter, is taught as spam; what lies elsewhere is not."""
    with _reading(store / "classifier.sqlite") as classifier, _reading(store / "mailstore.sqlite") as mailstore:
        lessons = {(account, content): label for account, content, label in classifier.execute("SELECT account, content, label FROM lesson")}
        filtered = set(_filtered(mailstore))
        places = mailstore.execute("SELECT m.account, e.blob, m.special_use = '\\Junk' FROM entry e JOIN mailbox m ON m.id = e.mailbox").fetchall()
    faults = []
    for account, blob, is_spam in places:
        label = lessons.get((account, blob))
        if is_spam and label != "spam" and (account, blob) not in filtered:
            faults.append(f"{blob[-8:]} of {account} lies in Spam and is taught as {label}")
        if not is_spam and label == "spam":
            faults.append(f"{blob[-8:]} of {account} lies elsewhere and is taught as spam")
    return faults


def lessons(store: Path) -> dict[str, int]:
    """How many stand, by label."""
    with _reading(store / "classifier.sqlite") as classifier:
        return dict(classifier.execute("SELECT label, count(*) FROM lesson GROUP BY label"))


def _filtered(mailstore: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for (data,) in mailstore.execute("SELECT data FROM event WHERE type = 'message.delivered'"):
        fact = orjson.loads(data)
        if fact.get("spam"):
            yield fact["account"], fact["entry"]["blob"]


async def _nobody_behind(owners: Owners) -> bool:
    try:
        reports = [await owners.report(service) for service in _FOLLOWERS]
    except ServiceError:
        return False
    return not any(lag for report in reports for lag in report.lag.values())


def _count(file: Path) -> int:
    with _reading(file) as store:
        return int(store.execute("SELECT count(*) FROM event").fetchone()[0])


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as connection:
        yield connection
