"""A message while it is received by DATA or in chunks: its octets, its end, and what was seen in it."""

from shared.protocol.smtp import replies
from shared.protocol.smtp.bdat import ChunkDecoder
from shared.protocol.smtp.body import BareNewline, BodyMeter
from shared.protocol.smtp.commands import Bdat, BodyType, SmtpTransaction
from shared.protocol.smtp.config import SessionConfig
from shared.protocol.smtp.data import DotDecoder
from shared.protocol.smtp.events import BodyEnd
from shared.protocol.smtp.reply import Reply


class IncomingMessage:
    """A message of one part (DATA) or several (BDAT). Begin each part, then read until it is finished."""

    __slots__ = ("_decoder", "_limit", "_meter", "_transaction", "bdat")

    def __init__(self, transaction: SmtpTransaction, config: SessionConfig) -> None:
        policy = BareNewline.KEEP if transaction.mail.body is BodyType.BINARY_MIME else config.bare_newline
        self._transaction = transaction
        self._limit = config.max_message_size
        self._meter = BodyMeter(self._limit, policy)
        self._decoder: DotDecoder | ChunkDecoder = ChunkDecoder(0)
        self.bdat: Bdat | None = None  # the present chunk; None in DATA

    def begin_data(self, buffer: bytearray) -> None:
        """Begin the body of DATA with the next octet of the buffer."""
        self.bdat = None
        self._decoder = DotDecoder(buffer)

    def begin_chunk(self, bdat: Bdat) -> None:
        """Begin a chunk with the next octet of the buffer."""
        self.bdat = bdat
        self._meter.expect(bdat.size)
        self._decoder = ChunkDecoder(bdat.size)

    def read(self, buffer: bytearray) -> bytes:
        """Take the octets of the part from the front of the buffer; returns those of the message to pass on."""
        piece = self._decoder.decode(buffer)
        data = self._meter.take(piece) if piece else piece
        if self._decoder.finished and (self.bdat is None or self.bdat.last):
            data += self._meter.finish()
        return data

    @property
    def part_finished(self) -> bool:
        return self._decoder.finished

    @property
    def refusal(self) -> Reply | None:
        """Why the message cannot be accepted, as far as its octets show."""
        if not self._meter.is_refused:
            return None
        if self._meter.flags.too_large:
            return replies.message_too_large(self._limit)
        return replies.bare_newline_in_message()

    def end(self) -> BodyEnd:
        return BodyEnd(self._transaction, self._meter.size, self._meter.flags, self.refusal)
