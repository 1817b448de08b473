"""The section of a message in a FETCH: `section-spec` (RFC 3501 §6.4.5)."""

from typing import Literal

import msgspec

SectionText = Literal["", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"]


class SectionSpec(msgspec.Struct, frozen=True):
    """A section of a message.

    `part` is the path of part numbers, empty for the message itself; `text` selects a piece of that part, '' all of it.
    `fields` are the header field names as the client wrote them, only for HEADER.FIELDS and HEADER.FIELDS.NOT.
    """

    part: tuple[int, ...] = ()
    text: SectionText = ""
    fields: tuple[str, ...] = ()

    def wire(self) -> bytes:
        """The text between the brackets, such as `1.2.HEADER.FIELDS (From To)`."""
        names = [str(number) for number in self.part]
        if self.text:
            names.append(self.text)
        spec = ".".join(names)
        return (f"{spec} ({' '.join(map(_field_name, self.fields))})" if self.fields else spec).encode()


WHOLE = SectionSpec()

_PLAIN_NAME = frozenset("!#$&'+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz|~")


def _field_name(name: str) -> str:
    """A field name as an astring.

    An unusual name is quoted, so that it cannot break the line; the grammar allows no CR, LF or NUL in it.
    """
    if name and _PLAIN_NAME.issuperset(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
