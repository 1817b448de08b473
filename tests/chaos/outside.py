"""The server of elsewhere.example: takes what leaves, and is compared with what was submitted."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import orjson

from tests.chaos.ledger import Ledger
from tests.chaos.mails import TOKEN
from tests.chaos.stores import Stores
from tests.chaos.victims import Strike
from tests.parts.remote_server import RemoteServer, TakenMail

_CLOCK_SECONDS = 0.1
_READ_SECONDS = 1.0
"""How long this busy process may take to read what the killed process had already sent; the process that is started
in its place sends nothing earlier."""
Commits = Mapping[tuple[str, str], Sequence[float]]
"""Queue id and recipient → when the server committed that the other server has the mail, in seconds since the epoch."""


def sending_to(outside: RemoteServer) -> Mapping[str, str]:
    """Settings with which a server sends everything to this one, and tries again soon."""
    limits = ("MAILS_AN_HOUR", "MAILS_A_DAY", "RECIPIENTS_AN_HOUR", "RECIPIENTS_A_DAY", "NEW_RECIPIENTS_A_DAY")
    return {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(outside.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
        "MAILFOLD_OUTBOUND_RETRY_FIRST": "1",
        "MAILFOLD_OUTBOUND_RETRY_LONGEST": "2",
        "MAILFOLD_OUTBOUND_DESTINATION_FIRST": "0.5",
        "MAILFOLD_OUTBOUND_DESTINATION_LONGEST": "1",
        **{f"MAILFOLD_OUTBOUND_{limit}": "0" for limit in limits},
    }


def committed(stores: Stores) -> Commits:
    """The commits of deliveries to other servers, as the store has them."""
    commits: dict[tuple[str, str], list[float]] = defaultdict(list)
    for at, data in stores.rows("outbound", "SELECT at, data FROM event WHERE type = 'outbound.delivered' ORDER BY at"):
        event = orjson.loads(data)
        commits[event["queue_id"], event["recipient"]].append(at / 1e6)
    return commits


def outside_faults(
    ledger: Ledger, mails: Sequence[TakenMail], commits: Commits, strikes: Sequence[Strike]
) -> list[str]:
    """What is wrong with the mail that left.

    A mail may arrive twice where one of `strikes` fell between the reply to the first and our commit of it; these are
    printed.
    """
    taken = _by_copy(mails)
    expected = {
        (mail.token, far): (mail, queue_id) for mail, queue_id in ledger.accepted.values() for far in mail.remote
    }
    cut = {(mail.token, far) for mail in ledger.cut.values() for far in mail.remote}
    faults = [f"never left: {token} to {far}" for token, far in expected if (token, far) not in taken]
    faults += [f"nobody sent: {copy}" for copy in taken if copy not in expected and copy not in cut]
    for copy, (mail, queue_id) in expected.items():
        faults += [f"torn outside: {copy}" for arrival in taken.get(copy, []) if _digest(arrival) != mail.digest]
        if (count := len(commits.get((queue_id, copy[1]), []))) != 1:
            faults.append(f"committed {count} times: {copy}")
    doubled = {copy: arrivals for copy, arrivals in taken.items() if len(arrivals) > 1}
    for copy, arrivals in doubled.items():
        times = commits.get((expected[copy][1], copy[1]), []) if copy in expected else []
        faults += _doubled_faults(copy, arrivals, times, strikes)
    arrived = sum(copy in taken for copy in expected)
    print(
        f"outside: {len(expected)} mails submitted, {arrived} arrived, {len(doubled)} of all more than once; "
        f"{len(strikes)} kills stopped their sending or its commits"
    )
    return faults


def _doubled_faults(
    copy: tuple[str, str], arrivals: Sequence[TakenMail], commits: Sequence[float], strikes: Sequence[Strike]
) -> list[str]:
    """Print for each repeat of a mail which kill caused it; the repeats without such a kill."""
    faults = []
    for first, second in pairwise(arrivals):
        cause = next((strike for strike in strikes if _is_between(strike, first.at, second.at)), None)
        if cause is None or any(commit < second.at - _CLOCK_SECONDS for commit in commits):
            faults.append(
                f"doubled outside: {copy} at {first.at:.3f} and {second.at:.3f}, committed at {commits}; {strikes}"
            )
        else:
            seconds = second.at - first.at
            print(f"twice outside: {copy[0]}: {_moment_of(cause, first.at)}; the second came {seconds:.1f} s later")
    return faults


def _moment_of(cause: Strike, at: float) -> str:
    """When the kill came, seen from the reply of the other server."""
    after = f"{cause.began - at:.3f} s after" if cause.began >= at else f"{at - cause.began:.3f} s before"
    lasted = f" and gone {cause.ended - cause.began:.3f} s later" if cause.ended > cause.began else ""
    return f"{cause.name} was killed {after} the first 250{lasted}, and its commit was missing"


def _is_between(strike: Strike, first: float, second: float) -> bool:
    return strike.began <= second and strike.ended >= first - _READ_SECONDS


def _by_copy(mails: Sequence[TakenMail]) -> dict[tuple[str, str], list[TakenMail]]:
    """The taken mails by token and recipient, each in the order of arrival."""
    copies: dict[tuple[str, str], list[TakenMail]] = defaultdict(list)
    for mail in mails:
        match = TOKEN.search(mail.data)
        for recipient in mail.recipients:
            copies[match[1].decode() if match else "", recipient].append(mail)
    return copies


def _digest(mail: TakenMail) -> str:
    return hashlib.blake2b(mail.data.partition(b"\r\n\r\n")[2], digest_size=16).hexdigest()
