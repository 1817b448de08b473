"""Checks the followers: the event log has each event once, and the lessons agree with where the mail is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from mailfold.layouts import OWNERS
from shared.grpc.errors import ServiceError
from tests.chaos.conditions import NotReached, until
from tests.chaos.owners import Owners
from tests.chaos.stores import Stores

_FOLLOWERS = ("eventlog", "classifier", "delivery", "ingress")
_SECONDS = 60.0


async def caught_up(owners: Owners) -> float:
    """Wait until no follower is behind; returns the seconds that this took."""
    return await until(lambda: _nobody_behind(owners), "every follower to catch up", _SECONDS, look=0.25)


async def log_faults(owners: Owners, stores: Stores) -> list[str]:
    """The differences between the event log's events and the owners' events.

    An owner may write an event by itself during the count (refusals are folded together, or a move teaches), so the
    count is repeated until both agree.
    """
    counts = (0, 0)

    async def agree() -> bool:
        nonlocal counts
        written = sum(int(stores.rows(service, "SELECT count(*) FROM event")[0][0]) for service in OWNERS)
        counts = (await owners.report("eventlog")).counts["events"], written
        return counts[0] == counts[1]

    try:
        await until(agree, "the event log to have every fact", _SECONDS, look=0.25)
    except NotReached:
        return [f"the event log has {counts[0]} events of {counts[1]}"]
    return []


def lesson_faults(stores: Stores) -> list[str]:
    """Mail that somebody put into Spam is a spam lesson; mail elsewhere is not."""
    lessons = {
        (account, content): label
        for account, content, label in stores.rows("classifier", "SELECT account, content, label FROM lesson")
    }
    filtered = set(_filtered(stores))
    places = stores.rows(
        "mailstore",
        "SELECT m.account, e.blob, m.special_use = '\\Junk' FROM entry e JOIN mailbox m ON m.id = e.mailbox",
    )
    faults = []
    for account, blob, is_spam in places:
        label = lessons.get((account, blob))
        if is_spam and label != "spam" and (account, blob) not in filtered:
            faults.append(f"{blob[-8:]} of {account} lies in Spam and is taught as {label}")
        if not is_spam and label == "spam":
            faults.append(f"{blob[-8:]} of {account} lies elsewhere and is taught as spam")
    return faults


def lessons(stores: Stores) -> Mapping[str, int]:
    """The number of lessons in force, by label."""
    return stores.pairs("classifier", "SELECT label, count(*) FROM lesson GROUP BY label")


def _filtered(stores: Stores) -> Iterator[tuple[str, str]]:
    for (data,) in stores.rows("mailstore", "SELECT data FROM event WHERE type = 'message.delivered'"):
        event = orjson.loads(data)
        if event.get("spam"):
            yield event["account"], event["entry"]["blob"]


async def _nobody_behind(owners: Owners) -> bool:
    try:
        reports = [await owners.report(service) for service in _FOLLOWERS]
    except ServiceError:
        return False
    return not any(lag for report in reports for lag in report.lag.values())
