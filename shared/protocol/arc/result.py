"""The verdict on a chain, and its limits."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

MOST_SETS: Final = 50
"""RFC 8617 §4.2.1, §5.2: a message has at most 50 ARC sets."""
MOST_OCTETS: Final = 128 * 1024
"""The octets of all fields of a chain: room for 25 sets of 5 KB, which is what large sites write. Each seal is checked
over all sets below it, so the cost grows with the product of both limits: at most 30 ms of the event loop."""

ChainStatus = Literal["none", "pass", "fail"]
"""The Chain Validation Status (RFC 8617 §4.4)."""


class SealedSet(msgspec.Struct, frozen=True):
    """An ARC set of a chain that passed."""

    instance: int
    domain: str
    """d= of the ARC-Seal: who sealed, in A-labels."""
    selector: str
    results: str
    """What the sealer's ARC-Authentication-Results say, from the authserv-id on, still folded."""


class ChainResult(msgspec.Struct, frozen=True):
    """The verdict on the chain of a message."""

    status: ChainStatus
    reason: str = ""
    """Why the chain failed."""
    instance: int = 0
    """The highest instance value of the message, also of a chain that failed; 0 without one."""
    is_ended: bool = False
    """The newest seal says cv=fail already: no further set is added (§5.1, §5.2)."""
    is_temporary: bool = False
    """A key was not to be had now. For the chain this is a failure for good (§5.2.1), but the message can be asked for
    again with a 4xx reply."""
    oldest_pass: int | None = None
    """The oldest instance since which the message is known to be unchanged; 0 when no sealer changed it, and None
    unless the chain passed (§5.2, the value of header.oldest-pass). Only the newest message signatures are examined."""
    unsigned_octets: int = 0
    """The octets of the canonical body behind l= of the newest message signature, which anybody may have written."""
    sets: tuple[SealedSet, ...] = ()
    """The sets of a chain that passed, oldest first."""
