"""What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1), as values."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from shared.protocol.smtp import codes
from shared.protocol.smtp.reply import Reply

LIMITS: Final = "LIMITS"
REQUIRETLS: Final = "REQUIRETLS"
_OLD_AUTH: Final = "AUTH="  # before RFC 2554 was final; some servers still send both forms
# ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-");  ehlo-param = 1*(%d33-126)
_EHLO_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*+)(?:[ ]+([!-~ ]*+))?")
_SIZE = re.compile(r"[0-9]{1,20}")
# limit-param = limit-name-value;  the values of the three registered limits are 1 to 6 digits (RFC 9422 §3.2, §4)
_LIMIT = re.compile(r"([A-Z]+)=([1-9][0-9]{0,5})")


class Limits(msgspec.Struct, frozen=True, gc=False):
    """LIMITS (RFC 9422 §4). None where the server names no limit."""

    mail_max: int | None = None  # MAIL commands of a session
    rcpt_max: int | None = None  # RCPT commands of a transaction
    rcpt_domain_max: int | None = None  # different domains of the recipients of a transaction


class Capabilities(msgspec.Struct, frozen=True):
    """The extensions of a server; all are absent when it knows only HELO."""

    name: str = ""  # the server's name, as it gives it
    parameters: Mapping[str, tuple[str, ...]] = MappingProxyType({})  # by keyword in upper case
    pipelining: bool = False
    eight_bit: bool = False
    binary: bool = False  # BINARYMIME, which needs CHUNKING (RFC 3030 §3)
    chunking: bool = False
    smtputf8: bool = False
    dsn: bool = False
    starttls: bool = False
    require_tls: bool = False
    size: bool = False  # whether MAIL may have SIZE
    size_limit: int | None = None  # octets of a message (RFC 1870 §4); None when there is none or it is unknown
    mechanisms: tuple[str, ...] = ()  # of SASL, in upper case
    limits: Limits = Limits()


def read_capabilities(reply: Reply) -> Capabilities:
    """The extensions in a positive reply to EHLO. Lines that do not fit the grammar are ignored."""
    offered: dict[str, tuple[str, ...]] = {}
    for line in reply.text[1:]:
        text = f"{codes.AUTH} {line[len(_OLD_AUTH) :]}" if line[: len(_OLD_AUTH)].upper() == _OLD_AUTH else line
        match = _EHLO_LINE.fullmatch(text)
        if match is not None:
            keyword = match[1].upper()
            offered[keyword] = offered.get(keyword, ()) + tuple((match[2] or "").split())
    chunking = codes.CHUNKING in offered
    return Capabilities(
        name=(reply.text[0].split() or [""])[0] if reply.text else "",
        parameters=MappingProxyType(offered),
        pipelining=codes.PIPELINING in offered,
        eight_bit=codes.EIGHT_BIT_MIME in offered,
        binary=chunking and codes.BINARY_MIME in offered,
        chunking=chunking,
        smtputf8=codes.SMTPUTF8 in offered,
        dsn=codes.DSN in offered,
        starttls=codes.STARTTLS in offered,
        require_tls=REQUIRETLS in offered,
        size=codes.SIZE in offered,
        size_limit=_size_limit(offered.get(codes.SIZE, ())),
        mechanisms=tuple(dict.fromkeys(mechanism.upper() for mechanism in offered.get(codes.AUTH, ()))),
        limits=_limits(offered.get(LIMITS, ())),
    )


def _size_limit(parameters: tuple[str, ...]) -> int | None:
    """RFC 1870 §4: no parameter says nothing about the limit, and 0 says that there is none."""
    if not parameters or _SIZE.fullmatch(parameters[0]) is None:
        return None
    return int(parameters[0]) or None


def _limits(parameters: tuple[str, ...]) -> Limits:
    values: dict[str, int] = {}
    for parameter in parameters:
        match = _LIMIT.fullmatch(parameter.upper())
        if match is not None:  # RFC 9422 §3.2: a limit that is not known or not valid is ignored
            values[match[1]] = int(match[2])
    return Limits(values.get("MAILMAX"), values.get("RCPTMAX"), values.get("RCPTDOMAINMAX"))
