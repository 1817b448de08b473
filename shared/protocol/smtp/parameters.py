"""The parameters of MAIL and RCPT: esmtp-param of RFC 5321 §4.1.2, with a function for the value of each."""

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.protocol.smtp import codes, replies
from shared.protocol.smtp.commands import BodyType, CommandError, HoldFor, HoldUntil, Notify, Orcpt, Ret

ENVID_LIMIT: Final = 100  # characters: RFC 3461 §4.4
ORCPT_LIMIT: Final = 500  # characters: RFC 3461 §4.2

_SIZE = re.compile(r"[0-9]{1,20}")
_INTERVAL = re.compile(r"[1-9][0-9]{0,8}")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:)([0-5][0-9]|60)(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-5][0-9])",
    re.IGNORECASE | re.ASCII,
)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_XTEXT = re.compile(r"(?>(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*)")
_HEXCHAR = re.compile(r"\+([0-9A-Fa-f]{2})")
_PRINTABLE = re.compile(r"[ -~]*+")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]{1,64}")
_UTF8_XTEXT = re.compile(r"(?>(?:[!-*,-<>-\[\]-~\u00a0-\ud7ff\ue000-\U0010ffff]|\\x\{[0-9A-Fa-f]{2,6}\})+)")
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")

_Value = Callable[[str], Any]


# Mail-parameters = esmtp-param *(SP esmtp-param);  esmtp-param = esmtp-keyword ["=" esmtp-value]
def parse(text: str, known: Mapping[str, tuple[str, _Value]]) -> dict[str, Any]:
    """The values of the parameters by field name.

    Raises CommandError: 555 for an unknown one, 501 for a bad or repeated one.
    """
    given: dict[str, Any] = {}
    for parameter in text.split():
        keyword, _, value = parameter.partition("=")
        entry = known.get(keyword.upper())
        if entry is None or not keyword.isascii():
            raise CommandError(replies.unknown_parameter())
        field, production = entry
        try:
            if field in given:
                raise ValueError(field)
            given[field] = production(value)
        except (ValueError, KeyError, OverflowError):
            raise CommandError(replies.bad_parameter(keyword.upper())) from None
    return given


# size-value ::= 1*20DIGIT (RFC 1870 §3)
def _size(value: str) -> int:
    if _SIZE.fullmatch(value) is None:
        raise ValueError(value)
    return int(value)


# body-value ::= "7BIT" / "8BITMIME" / "BINARYMIME" (RFC 6152 §2, RFC 3030 §3)
def _body(value: str) -> BodyType:
    return BodyType(value.upper())


# RFC 6531 §3.4, RFC 8689 §2: no value
def _flag(value: str) -> bool:
    if value:
        raise ValueError(value)
    return True


# ret-value = "FULL" / "HDRS" (RFC 3461 §4.3)
def _ret(value: str) -> Ret:
    return Ret(value.upper())


# envid-parameter = "ENVID=" xtext (RFC 3461 §4.4)
def _envid(value: str) -> str:
    if not value or len(value) > ENVID_LIMIT:
        raise ValueError(value)
    return _xtext(value)


# auth-param = "AUTH=" xtext: a Mailbox, or "<>" (RFC 4954 §5)
def _auth(value: str) -> str:
    if not value:
        raise ValueError(value)
    return _xtext(value)


# future-release-integer = %x31-39 *8DIGIT (RFC 4865 §4)
def _hold_for(value: str) -> HoldFor:
    if _INTERVAL.fullmatch(value) is None:
        raise ValueError(value)
    return HoldFor(int(value))


# future-release-date-time = date-time of RFC 3339 §5.6 (RFC 4865 §4, erratum 2040); fractions of a second are ignored
def _hold_until(value: str) -> HoldUntil:
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        raise ValueError(value)
    date, minute, second, offset = match.groups()
    leap = datetime.timedelta(seconds=second == "60")  # a leap second (RFC 3339 §5.7) is the second after :59
    moment = datetime.datetime.fromisoformat(f"{date}T{minute}{'59' if leap else second}{offset.upper()}")
    return HoldUntil((moment - _EPOCH + leap) // _MICROSECOND)


# notify-esmtp-value = "NEVER" / 1#notify-list-element (RFC 3461 §4.1)
def _notify(value: str) -> frozenset[Notify]:
    notify = frozenset(Notify(element) for element in value.upper().split(","))
    if Notify.NEVER in notify and len(notify) > 1:
        raise ValueError(value)
    return notify


# original-recipient-address = addr-type ";" xtext (RFC 3461 §4.2)
def _orcpt(value: str) -> Orcpt:
    address_type, _, address = value.partition(";")
    if not address or len(value) > ORCPT_LIMIT or _ADDRESS_TYPE.fullmatch(address_type) is None:
        raise ValueError(value)
    if address_type.lower() == codes.UTF8_ADDRESS_TYPE:
        return Orcpt(codes.UTF8_ADDRESS_TYPE, _utf8_address(address))
    return Orcpt(address_type.lower(), _xtext(address))


# xtext = *( xchar / hexchar );  hexchar = "+" 2(%x30-39 / %x41-46) (RFC 3461 §4)
def _xtext(value: str) -> str:
    if _XTEXT.fullmatch(value) is None:
        raise ValueError(value)
    text = _HEXCHAR.sub(lambda match: chr(int(match[1], 16)), value) if "+" in value else value
    if _PRINTABLE.fullmatch(text) is None:  # RFC 3461 §4.2, §4.4: what is encoded is printable US-ASCII
        raise ValueError(value)
    return text


# utf-8-addr-xtext / utf-8-address: EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}" (RFC 6533 §3)
def _utf8_address(value: str) -> str:
    if _UTF8_XTEXT.fullmatch(value) is None:
        if _XTEXT.fullmatch(value) is None:
            raise ValueError(value)
        return _xtext(value)
    text = _EMBEDDED.sub(lambda match: chr(int(match[1], 16)), value)
    if not text.isprintable():
        raise ValueError(value)
    return text


OF_MAIL: Final[Mapping[str, tuple[str, _Value]]] = {
    codes.SIZE: ("size", _size),
    codes.BODY: ("body", _body),
    codes.SMTPUTF8: ("smtputf8", _flag),
    codes.RET: ("ret", _ret),
    codes.ENVID: ("envid", _envid),
    codes.AUTH: ("auth", _auth),
    codes.HOLD_FOR: ("hold", _hold_for),  # RFC 4865 §3: only one of the two, so they share a field
    codes.HOLD_UNTIL: ("hold", _hold_until),
    codes.REQUIRE_TLS: ("require_tls", _flag),
}
OF_RCPT: Final[Mapping[str, tuple[str, _Value]]] = {
    codes.NOTIFY: ("notify", _notify),
    codes.ORCPT: ("orcpt", _orcpt),
}
