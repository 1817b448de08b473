"""The is_email test set, and how Mailfold treats each of its categories.

In the envelope (parse_address) VALID, DNSWARN and RFC5321 are accepted. ERR, CFWS, DEPREC and RFC5322 are refused,
because RFC 5321 has no comments, folding or obsolete forms. In a header (read_header_addresses) CFWS and DEPREC are
read as well. The exceptions are listed, each with its reason.
"""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.address.header import read_header_addresses
from tests.parts import test_data as data_part

_DATA = data_part.folder() / "addresses/isemail-tests.xml"
_ENVELOPE = {"VALID_CATEGORY", "DNSWARN", "RFC5321"}
_HEADER = _ENVELOPE | {"CFWS", "DEPREC"}

_ENVELOPE_EXCEPTIONS = {
    23: False,  # a numeric top-level domain never resolves
    24: False,  # and this one would be taken for an IP address
    26: True,  # 65 octets of local-part: RFC 5321 §4.5.3.1 wants no limit where possible, and SRS and VERP need more
    39: True,  # 64 + 190 octets: as above
    59: True,  # a long quoted localpart
    60: True,
    71: True,  # "::" for a single group was allowed by RFC 4291
}
_HEADER_EXCEPTIONS = {
    **_ENVELOPE_EXCEPTIONS,
    15: True,  # one dot too many: phone providers assigned such addresses; they are kept, and quoted when written
    16: True,
    43: False,  # an empty local-part is nobody's address
    58: False,  # NUL and other controls have no place in an address
    99: True,  # single line ends are blanks in a header value that was unfolded badly
    **dict.fromkeys((124, 125, 134, 138, 139), False),
    **dict.fromkeys((127, 128, 130, 131, 132, 135, 141, 142, 143, 145, 146, 147, 150, 151, 152, 154, 155, 156), True),
    160: True,  # a quoted pair of UTF-8: RFC 6532 allows it
}


def _cases() -> list[tuple[int, str, str]]:
    if not _DATA.exists():
        return []
    tests = ET.parse(_DATA).getroot().findall("test")
    return [
        (int(test.get("id", "0")), _plain(test.findtext("address") or ""), (test.findtext("category") or "")[8:])
        for test in tests
    ]


def _plain(text: str) -> str:
    """The file shows control characters as their symbols, from U+2400."""
    return re.sub("[\u2400-\u241f]", lambda match: chr(ord(match[0]) - 0x2400), text)


def test_the_set_is_there(test_data: Path) -> None:
    assert len(_cases()) > 150


@pytest.mark.parametrize(("number", "text", "category"), _cases())
def test_envelope(number: int, text: str, category: str) -> None:
    try:
        parse_address(text)
        accepted = True
    except AddressError:
        accepted = False
    assert accepted is _ENVELOPE_EXCEPTIONS.get(number, category in _ENVELOPE)


@pytest.mark.parametrize(("number", "text", "category"), _cases())
def test_header(number: int, text: str, category: str) -> None:
    content = read_header_addresses(text)
    accepted = len(content.addresses) == 1 and not content.unreadable
    assert accepted is _HEADER_EXCEPTIONS.get(number, category in _HEADER)
