"""Names in the order in which LIST and LSUB process them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.access.commands.names import Names, SortedNames
from shared.protocol.imap.mailbox_name import ancestors
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

NAMES = st.sets(st.lists(st.sampled_from(("a", "a-", "a0", "b")), min_size=1, max_size=4).map("/".join), max_size=12)


@given(NAMES)
def test_each_name_comes_once_after_those_above_it(names: set[str]) -> None:
    shown = list(SortedNames(names).with_ancestors())
    assert len(shown) == len(set(shown))
    assert set(shown) == names | {above for name in names for above in ancestors(name)}
    assert all(shown.index(above) < shown.index(name) for name in shown for above in ancestors(name))


@given(NAMES, st.sampled_from(("a", "a-", "a/b", "c")))
def test_what_lies_below(names: set[str], name: str) -> None:
    assert SortedNames(names).has_below(name) == any(other.startswith(name + "/") for other in names)


def test_the_names_of_an_account() -> None:
    known = pb.MailboxList(
        mailboxes=[pb.Mailbox(name=name) for name in ("INBOX", "Archive", "x/y")], subscriptions=["INBOX", "gone/z"]
    )
    shown = [(name.name, name.mailbox is not None, name.subscribed, name.has_children) for name in Names(known)]
    assert shown == [
        ("INBOX", True, True, False),
        ("Archive", True, False, False),
        ("gone", False, False, False),
        ("gone/z", False, True, False),
        ("x", False, False, True),
        ("x/y", True, False, False),
    ]
