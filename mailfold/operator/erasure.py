"""Watches the erasure of an account's mail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mailfold.operator.running import answers

if TYPE_CHECKING:
    from mailfold.operator.session import Session

Progress = Callable[[str, int, int], None]
_LOOK_SECONDS = 0.2
_LONGEST_STANDSTILL = 300
"""Looks without any change, after which the command ends; the erasure goes on."""


async def until_erased(session: Session, account: str, progress: Progress) -> bool:
    """Wait until the mail of an account is erased; False when that goes on without the command.

    Where the server does not run, the mail is erased after its next start.
    """
    if not answers(session.places, "mailstore"):
        return False
    from shared.rpc.mailfold.mailstore.v1.closings_pb2 import ClosingRequest
    from shared.rpc.mailfold.mailstore.v1.closings_pb2_grpc import ClosingsStub

    stub, most, last, unchanged = ClosingsStub(await session.running("mailstore")), 1, -1, 0
    while unchanged < _LONGEST_STANDSTILL:
        left = await stub.ShowClosing(ClosingRequest(account=account))
        if left.state == "erased" and not left.events:
            return True
        count = left.messages + left.events
        most, unchanged, last = max(most, count), unchanged + 1 if count == last else 0, count
        progress("erasing", most - count, most)
        await asyncio.sleep(_LOOK_SECONDS)
    return False
