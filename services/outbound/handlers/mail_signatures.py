"""Places the mail signature that was chosen for a mail into the message, before it is signed with DKIM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from shared.events.signatures import ChosenSignature
from shared.protocol.message.mail_signature.outcome import NotPlaced, PlacedSignature
from shared.protocol.message.mail_signature.placing import PlacingRules, place
from shared.protocol.message.mail_signature.template import MailSignature
from shared.protocol.message.outgoing.segments import Ranges
from shared.protocol.message.scan import Scan

MOST_TEXT = 512 * 1024
"""Octets of all texts of a message above which it is sent without a mail signature."""
_SMALL_TEXT = 32 * 1024
"""Octets of texts that are handled on the event loop; more are handled in a thread."""


class SignatureTexts(Protocol):
    """The texts of mail signatures."""

    async def version(self, identity: str) -> MailSignature | None:
        """A version; None when it is not known. Raises ServiceError."""


class MailSignatures:
    """Places mail signatures."""

    def __init__(self, versions: SignatureTexts) -> None:
        self._versions = versions

    async def place(
        self, chosen: ChosenSignature, header: bytes, scan: Scan, read: Ranges
    ) -> PlacedSignature | NotPlaced | None:
        """The message with the mail signature, or why it has none; None when the version is not known.

        Raises ServiceError when the directory does not answer, and what `read` raises.
        """
        signature = await self._versions.version(chosen.id)
        if signature is None:
            return None
        rules = PlacingRules(MOST_TEXT, chosen.signs_automatic)
        work: Callable[[], PlacedSignature | NotPlaced] = partial(
            place, header, scan, read, signature, chosen.values, rules
        )
        texts = sum(part.size for part in scan.parts if part.media_type == "text")
        return work() if texts <= _SMALL_TEXT else await asyncio.to_thread(work)
