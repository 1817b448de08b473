"""Search keys as they are sent to the mailbox store."""

from __future__ import annotations

import asyncio

import pytest

from services.access.commands.search_key import Translation
from shared.protocol.imap.commands import Search
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.search_key import MAX_DEPTH
from shared.protocol.imap.sequence import SequenceSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import Turns


def translated(text: str) -> pb.SearchKey:
    """A key as a client writes it; sequence number n is UID 100 + n."""
    command = parse_command(f"t SEARCH {text}".encode())
    assert isinstance(command, Search)
    return asyncio.run(Translation(resolve, NumberSet(((4, 6),)), Turns()).contract_key(command.key))


async def resolve(sequence: SequenceSet, uid: bool) -> NumberSet:
    shift = 0 if uid else 100
    return NumberSet.of_ranges([(first + shift, last + shift) for first, last in sequence.ranges])


def test_sets_become_uids() -> None:
    assert translated("1:3,7") == pb.SearchKey(uids=pb.UidSet(bounds=[101, 103, 107, 107]))
    assert translated("UID 5") == pb.SearchKey(uids=pb.UidSet(bounds=[5, 5]))


def test_every_leaf() -> None:
    expected = {
        "ALL": pb.SearchKey(all=True),
        "UNSEEN": pb.SearchKey(flag=pb.FlagTest(flag="\\Seen", is_set=False)),
        "KEYWORD $Work": pb.SearchKey(flag=pb.FlagTest(flag="$Work", is_set=True)),
        "FROM bob": pb.SearchKey(header=pb.HeaderTest(field="From", text="bob")),
        'HEADER X-A ""': pb.SearchKey(header=pb.HeaderTest(field="X-A", text="")),
        "BODY a": pb.SearchKey(body="a"),
        "TEXT a": pb.SearchKey(text="a"),
        "SINCE 1-Feb-2026": pb.SearchKey(internal_date=pb.DayTest(relation=pb.DayTest.SINCE, day=20485)),
        "SENTON 1-Feb-2026": pb.SearchKey(sent_date=pb.DayTest(relation=pb.DayTest.ON, day=20485)),
        "LARGER 5": pb.SearchKey(larger=5),
        "SMALLER 5": pb.SearchKey(smaller=5),
        "OLDER 5": pb.SearchKey(older=5),
        "YOUNGER 5": pb.SearchKey(younger=5),
        "MODSEQ 5": pb.SearchKey(modseq=5),
        "EMAILID x1": pb.SearchKey(email_id="x1"),
        "THREADID t1": pb.SearchKey(thread_id="t1"),
    }
    assert {text: translated(text) for text in expected} == expected


def test_combinations() -> None:
    both = [pb.SearchKey(larger=1), pb.SearchKey(negated=True, smaller=9)]
    assert translated("LARGER 1 NOT SMALLER 9") == pb.SearchKey(all_of=pb.SearchKeys(keys=both))
    assert translated("OR LARGER 1 NOT SMALLER 9") == pb.SearchKey(any_of=pb.SearchKeys(keys=both))


def test_recent_messages_are_known_to_the_session_alone() -> None:
    recent = pb.SearchKey(uids=pb.UidSet(bounds=[4, 6]))
    others = pb.SearchKey(negated=True, uids=recent.uids)
    unseen = pb.SearchKey(flag=pb.FlagTest(flag="\\Seen", is_set=False))
    assert translated("RECENT") == recent
    assert translated("OLD") == others
    assert translated("NEW") == pb.SearchKey(all_of=pb.SearchKeys(keys=[recent, unseen]))
    assert translated("NOT OLD") == recent


@pytest.mark.parametrize(
    ("level", "nested"), [("OR NOT ({} SEEN) ALL", 2), ("NOT ({} SEEN)", 1), ("NOT OR ({} SEEN) ALL", 2)]
)
def test_the_deepest_key_travels(level: str, nested: int) -> None:
    """Protobuf reads no message of more than 100 levels."""
    text = "BCC ann"
    for _ in range(MAX_DEPTH // nested):
        text = level.format(text)
    request = pb.SearchRequest(key=translated(text))
    assert pb.SearchRequest.FromString(request.SerializeToString()) == request
    with pytest.raises(ImapSyntaxError):
        translated(level.format(text))
