"""Search keys on their way to the mailbox store."""

from __future__ import annotations

import asyncio

from services.access.commands.search_key import Translation
from shared.protocol.imap.commands import Search
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.sequence import SequenceSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import Turns


def translated(text: str) -> pb.SearchKey:
    """A key as a client writes it; sequence numbers are UIDs above 100."""
    command = parse_command(f"t SEARCH {text}".encode())
    assert isinstance(command, Search)
    return asyncio.run(Translation(resolve, NumberSet(((4, 6),)), Turns()).contract_key(command.key))


async def resolve(sequence: SequenceSet, uid: bool) -> NumberSet:
    shift = 0 if uid else 100
    return NumberSet.of_ranges([(first + shift, last + shift) for first, last in sequence.ranges])


def test_sets_become_uids() -> None:
    assert translated("1:3,7") == pb.SearchKey(key="uid", uids=pb.UidSet(bounds=[101, 103, 107, 107]))
    assert translated("UID 5") == pb.SearchKey(key="uid", uids=pb.UidSet(bounds=[5, 5]))


def test_every_leaf() -> None:
    expected = {
        "ALL": pb.SearchKey(key="all"),
        "UNSEEN": pb.SearchKey(key="flag", name="\\Seen", number=0),
        "KEYWORD $Work": pb.SearchKey(key="flag", name="$Work", number=1),
        "FROM bob": pb.SearchKey(key="header", name="From", text="bob"),
        'HEADER X-A ""': pb.SearchKey(key="header", name="X-A", text=""),
        "BODY a": pb.SearchKey(key="body", text="a"),
        "TEXT a": pb.SearchKey(key="text", text="a"),
        "SINCE 1-Feb-2026": pb.SearchKey(key="internaldate", name="SINCE", text="2026-02-01"),
        "SENTON 1-Feb-2026": pb.SearchKey(key="sentdate", name="ON", text="2026-02-01"),
        "LARGER 5": pb.SearchKey(key="larger", number=5),
        "SMALLER 5": pb.SearchKey(key="smaller", number=5),
        "OLDER 5": pb.SearchKey(key="older", number=5),
        "YOUNGER 5": pb.SearchKey(key="younger", number=5),
        "MODSEQ 5": pb.SearchKey(key="modseq", number=5),
        "EMAILID x1": pb.SearchKey(key="emailid", text="x1"),
        "THREADID t1": pb.SearchKey(key="threadid", text="t1"),
    }
    assert {text: translated(text) for text in expected} == expected


def test_combinations() -> None:
    both = [pb.SearchKey(key="larger", number=1), pb.SearchKey(key="not", keys=[pb.SearchKey(key="smaller", number=9)])]
    assert translated("LARGER 1 NOT SMALLER 9") == pb.SearchKey(key="and", keys=both)
    assert translated("OR LARGER 1 NOT SMALLER 9") == pb.SearchKey(key="or", keys=both)


def test_recent_messages_are_known_to_the_session_alone() -> None:
    recent = pb.SearchKey(key="uid", uids=pb.UidSet(bounds=[4, 6]))
    others = pb.SearchKey(key="not", keys=[recent])
    unseen = pb.SearchKey(key="flag", name="\\Seen", number=0)
    assert translated("RECENT") == recent
    assert translated("OLD") == others
    assert translated("NEW") == pb.SearchKey(key="and", keys=[recent, unseen])
