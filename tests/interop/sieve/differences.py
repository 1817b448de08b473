"""Where Mailfold and Pigeonhole decide differently, and the section that decides. Every other difference fails."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Who = Literal["", "ours", "theirs"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A justified difference. `probe` is searched in the text of the test, `message` in the octets of the message.

    `names` are the files that it is limited to. `only` says which interpreter alone finds the test true.
    """

    section: str
    reason: str
    probe: str
    message: bytes = b""
    names: frozenset[str] = frozenset()
    only: Who = ""

    def explains(self, name: str, octets: bytes, probe: str, ours: list[str] | None, theirs: list[str] | None) -> bool:
        """Whether it explains these records of a probe over a message."""
        alone = "ours" if theirs is None else "theirs" if ours is None else ""
        return (
            (not self.names or name in self.names)
            and (not self.only or self.only == alone)
            and re.search(self.probe, probe) is not None
            and (not self.message or re.search(self.message, octets, re.IGNORECASE | re.MULTILINE) is not None)
        )


_OF_PARTS = r"body|:mime|foreverypart"
_BROKEN_TEXT = (
    "bad-newlines-multiple-parts-base64.msg bad-newlines-multiple-parts.msg badbound.msg "
    "double-semicolon.msg infinite.msg missing-boundary.msg missing-inner-boundary.msg "
    "missing-inner-start-boundary.msg multi-bad.msg multi-digest.msg multi-frag.msg "
    "multipartdigestnestedemptyparts.msg multipartemptypart.msg multipartnopart.msg "
    "very-long-boundary.msg very-very-long-boundary.msg weird-boundary.msg"
)
_BROKEN = frozenset(_BROKEN_TEXT.split())
_NESTED_BASE64 = frozenset({"base64encoded-rfc822message.msg", "base64encoded-rfc822message-nested.msg"})
_NESTED = frozenset(
    {
        "multi-nested.msg",
        "multi-nested2.msg",
        "multi-nested3.msg",
        "2002_06_12_doublebound.msg",
        "uu-junk-target.msg",
        "uu-zeegee.msg",
        "double-bound.msg",
    }
)

DIFFERENCES = (
    Difference(
        "RFC 2046 §5.1.1",
        "The message's multiparts are broken, and the two parsers repair them differently.",
        _OF_PARTS,
        names=_BROKEN,
    ),
    Difference(
        "RFC 2046 §5.2.1",
        "A message/rfc822 part must not be in base64; Pigeonhole decodes it and reads the parts in it.",
        _OF_PARTS,
        names=_NESTED_BASE64,
    ),
    Difference("RFC 5260 §6", "Pigeonhole ignores :index and :last of date.", r"date :index"),
    Difference(
        "RFC 4790 §9.1.1",
        "A value without digits is infinity, the empty value too; Pigeonhole never finds it equal to another one.",
        r'i;ascii-numeric".* "?\[?"[^"0-9]',
    ),
    Difference(
        "RFC 4790 §9.2.1",
        "i;ascii-casemap orders by capital letters, so that [ \\ ] ^ _ ` come behind them; Pigeonhole by small ones.",
        r':value "(?:gt|ge|lt|le)"',
    ),
    Difference(
        "RFC 5703 §4.1",
        "A parameter that is absent has no value; Pigeonhole compares an empty one, and then reads no further field.",
        r":param",
    ),
    Difference(
        "RFC 5703 §4.1",
        ":type, :subtype and :contenttype of another field are blank strings; Pigeonhole has no value.",
        r":(?:type|subtype|contenttype) .*\"content-(?:transfer-encoding|disposition)\"",
    ),
    Difference(
        "RFC 5703 §7",
        "extracttext transcodes text and keeps its markup; of other parts there is no text.",
        r"extracttext",
    ),
    Difference(
        "RFC 5173 §5.3",
        "Both strip the markup of HTML, which the section permits, but not to the same text.",
        r"body (?!:raw|:content)",
        rb"text/(?:html|richtext|enriched)",
    ),
    Difference(
        "RFC 5233 §4",
        "An address without detail counts nothing; Pigeonhole counts it.",
        r"address.* :detail .*:count|address.* :detail :count",
    ),
    Difference(
        "RFC 5228 §5.1",
        "A field without an address has nothing to compare; Pigeonhole compares an empty address.",
        r"address",
        rb"^(?:from|to|cc|sender|reply-to|resent-from):[ \t]*\r?$",
    ),
    Difference(
        "RFC 5228 §5.1",
        "An address without a domain does not contain the end of its line; in Pigeonhole it does.",
        r"address",
        rb"^(?:from|to|cc|sender|reply-to|resent-from):[^@\r\n]*\r?$",
    ),
    Difference(
        "RFC 5228 §2.7.3",
        "i;ascii-casemap ignores the case of a key of one letter too; Pigeonhole does not.",
        r':(?:contains|matches) .*"\*?[A-Za-z]\*?"',
    ),
    Difference(
        "RFC 5229 §6",
        "What is longer than a variable is cut; Pigeonhole counts octets and cuts elsewhere.",
        r"header",
        names=frozenset({"very-very-long-boundary.msg"}),
    ),
    Difference(
        "RFC 5703 §4",
        "With :anychild the headers of all parts count; Pigeonhole leaves some of them out.",
        r":anychild",
        names=_NESTED,
    ),
    Difference(
        "RFC 5322 §2.2",
        "The header has lines that are no fields; the two parsers end it at different places.",
        r"body|header",
        names=frozenset({"hdr-fakeout.msg"}),
    ),
    Difference(
        "RFC 5322 §2.2",
        "The header has octets that are no ASCII and in no known charset; each interpreter makes other text of them.",
        r"header|address",
        rb"\A(?:[^\r\n]+\r\n)*[^\r\n]*[\x80-\xff]",
    ),
    Difference(
        "RFC 5232 §4",
        "A key with a space names several flags, for every match type; Pigeonhole splits it for :is alone.",
        r'hasflag .*"[^"]* [^"]*"',
    ),
    Difference(
        "RFC 2045 §6.4",
        "The transfer encoding is unknown, so that the part is no text.",
        _OF_PARTS,
        rb"content-transfer-encoding:\s*x-",
    ),
)
