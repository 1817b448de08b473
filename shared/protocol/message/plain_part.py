"""The structure of a message whose scan failed unexpectedly: one part of plain text."""

from shared.protocol.message.addresses import AddressLimits
from shared.protocol.message.content import NO_CONTENT
from shared.protocol.message.finder import PartFinder
from shared.protocol.message.tree import NO_PARENT, Draft


class PlainPart:
    """Continues after a PartFinder failed; it only counts octets and lines."""

    def __init__(self, failed: PartFinder) -> None:
        root = failed.drafts[0]
        self.truncated = True
        self.header_bytes = 0
        self.size = failed.octets
        self._lines = failed.body_lines
        draft = Draft(NO_PARENT, 1, 0)
        draft.begins_message = True
        draft.body_start = root.body_start
        draft.fields = root.fields
        self.drafts = [draft]

    def feed(self, chunk: bytes) -> None:
        """Take the next octets of the message."""
        self.size += len(chunk)
        self._lines += chunk.count(b"\n")

    def finish(self) -> None:
        """End the message."""
        draft = self.drafts[0]
        draft.body_end, draft.lines = self.size, self._lines
        draft.read_fields(AddressLimits())

    def forget_fields(self) -> None:
        """Ignore the header, because it cannot be read either."""
        draft = self.drafts[0]
        draft.fields, draft.content, draft.envelope = {}, NO_CONTENT, None
