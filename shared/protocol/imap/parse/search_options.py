"""The return options of searching commands (RFC 4731 §3, RFC 5182, RFC 5267 §5, RFC 9394 §3.1)."""

import re

from shared.protocol.imap.commands import PartialRange, SearchReturn
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import possibly_empty
from shared.protocol.imap.parse.strings import keyword, nz_number

_RETURN_WORD = re.compile(rb" RETURN (?=\()", re.IGNORECASE)
_OPTIONS = {option.value: option for option in SearchReturn}
_LISTED = frozenset({SearchReturn.ALL, SearchReturn.PARTIAL})
_Option = SearchReturn | PartialRange


# search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
def return_options(cursor: Cursor) -> tuple[frozenset[SearchReturn] | None, PartialRange | None]:
    """The options, None without RETURN, and the range of PARTIAL. `RETURN ()` means ALL (RFC 4731 §3.1)."""
    if not cursor.match(_RETURN_WORD):
        return None, None
    options = possibly_empty(cursor, _return_option)
    partial = next((option for option in options if isinstance(option, PartialRange)), None)
    listed = [option for option in options if isinstance(option, PartialRange) or option in _LISTED]
    if partial is not None and len(listed) > 1:
        raise ImapSyntaxError("A search has at most one of PARTIAL and ALL")  # RFC 5267 §4.4
    names = frozenset(option if isinstance(option, SearchReturn) else SearchReturn.PARTIAL for option in options)
    return (names if names else frozenset({SearchReturn.ALL})), partial


# search-return-opt = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE" / "CONTEXT" / "UPDATE" / "RELEVANCY"
#                   / "PARTIAL" SP partial-range
def _return_option(cursor: Cursor) -> _Option:
    option = _OPTIONS.get(keyword(cursor))
    if option is None:
        raise ImapSyntaxError("Unknown return option of SEARCH")
    if option is SearchReturn.PARTIAL:
        cursor.space()
        return partial_range(cursor)
    return option


# partial-range = partial-range-first / partial-range-last
# partial-range-first = nz-number ":" nz-number ; partial-range-last = "-" nz-number ":" "-" nz-number
def partial_range(cursor: Cursor) -> PartialRange:
    """A range of places. Raises ImapSyntaxError."""
    sign = -1 if cursor.accept(b"-") else 1
    first = sign * nz_number(cursor)
    cursor.expect(b":" if sign > 0 else b":-")
    return PartialRange(first, sign * nz_number(cursor))
