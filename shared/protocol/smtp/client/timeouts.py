"""How long a client waits (RFC 5321 §4.5.3.2)."""

import enum

import msgspec


class Stage(enum.Enum):
    """What a session waits for, or does."""

    GREETING = "greeting"
    HELLO = "EHLO"
    STARTTLS = "STARTTLS"
    HANDSHAKE = "TLS handshake"
    AUTH = "AUTH"
    IDLE = "idle"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "message"  # its octets are sent, or a chunk that is not the last waits for its reply
    END = "end of message"  # the final dot or the last chunk was sent
    RESET = "RSET"
    QUIT = "QUIT"


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds for each wait. RFC 5321 §4.5.3.2 names the least values of greeting, MAIL, RCPT and the three of DATA."""

    greeting: float = 300.0
    hello: float = 300.0
    starttls: float = 120.0
    handshake: float = 60.0
    auth: float = 120.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0  # until 354
    block: float = 180.0  # until a block of the message is sent
    end: float = 600.0  # after the final dot; a shorter time would send mail twice
    reset: float = 60.0
    quit: float = 10.0

    def of(self, stage: Stage) -> float | None:
        """The seconds of a stage; None where the session waits for its caller only."""
        match stage:
            case Stage.IDLE:
                return None
            case Stage.BODY:
                return self.block
            case _:
                return float(getattr(self, stage.name.lower()))
