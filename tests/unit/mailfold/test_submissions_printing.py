"""Why a mail cannot be released or cancelled, as the operator reads it."""

from __future__ import annotations

import pytest

from mailfold.commands.submissions import where_it_is
from shared.rpc.mailfold.ingress.v1.ingress_pb2 import NotWaiting

AT = 1_700_000_000_123_000
NEXT = "the queue may have it: `mailfold queue cancel q1`, or `mailfold trace q1`"


@pytest.mark.parametrize(
    ("state", "actor", "text"),
    [
        ("released", "ingress", f"it was released at 2023-11-14 22:13:20.123; {NEXT}"),
        ("released", "root", f"it was released at 2023-11-14 22:13:20.123 by root; {NEXT}"),
        ("cancelled", "root", "it was cancelled at 2023-11-14 22:13:20.123 by root"),
        ("delivered at once", "", f"it was accepted at 2023-11-14 22:13:20.123 and never held; {NEXT}"),
        ("waiting", "", "it waits, but does not fit the filter"),
        ("unknown", "", "no mail has this queue id; `mailfold submissions list` shows what waits"),
    ],
)
def test_where_a_mail_is(state: str, actor: str, text: str) -> None:
    assert where_it_is(NotWaiting(queue_id="q1", state=state, at=AT, actor=actor)) == text
