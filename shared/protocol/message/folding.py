"""The folding of exact search: what SEARCH compares is folded by this function, and so is what an index keeps for it.

A text contains a needle when the folded text contains the folded needle. Only case is folded (the full case folding of
Unicode §3.13, in which ß becomes ss); texts in another normal form or with other accents are other texts. FTS5 and
OpenSearch fold by rules of their own, so texts and needles are folded here before an engine gets them.
"""

import re
import unicodedata
from bisect import bisect_right

FOLDING_VERSION = f"1.{unicodedata.unidata_version}"
"""With another value, texts that were stored folded may differ from what `fold` gives: Python has a newer Unicode."""
# The characters that fold to two or three. No character folds to none, and none of a text's others changes its folding.
_GROWING = re.compile(
    "[\xdf\u0130\u0149\u01f0\u0390\u03b0\u0587\u1e96-\u1e9a\u1e9e\u1f50\u1f52\u1f54\u1f56\u1f80-\u1faf\u1fb2-\u1fb4"
    "\u1fb6\u1fb7\u1fbc\u1fc2-\u1fc4\u1fc6\u1fc7\u1fcc\u1fd2\u1fd3\u1fd6\u1fd7\u1fe2-\u1fe4\u1fe6\u1fe7\u1ff2-\u1ff4"
    "\u1ff6\u1ff7\u1ffc\ufb00-\ufb06\ufb13-\ufb17]"
)


def fold(text: str) -> str:
    """The text without differences of case.

    Every character is folded for itself: fold(a + b) == fold(a) + fold(b), so pages of a text may be folded apart. And
    fold(fold(a)) == fold(a).
    """
    return text.casefold()


class Unfolding:
    """Finds the place in a text from offsets in the folded text, which may be longer. Offsets count code points."""

    def __init__(self, text: str) -> None:
        self._growing = _GROWING.finditer(text)
        # Of the characters that grow, as far as they were needed: original offset, folded offset, folded size.
        self._starts: list[int] = []
        self._folded: list[int] = []
        self._sizes: list[int] = []
        self._grown = 0

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The smallest range of the text whose folded form covers the folded range [start, end), which is not empty."""
        return self._character(start), self._character(end - 1) + 1

    def _character(self, offset: int) -> int:
        """The original offset of the character that a folded character comes from."""
        while not self._folded or self._folded[-1] <= offset:
            if not self._read_next():
                break
        index = bisect_right(self._folded, offset) - 1
        if index < 0:
            return offset
        beyond = offset - self._folded[index] - self._sizes[index]
        return self._starts[index] + (1 + beyond if beyond >= 0 else 0)

    def _read_next(self) -> bool:
        """Reads the next character that grows, if there is any."""
        match = next(self._growing, None)
        if match is None:
            return False
        size = len(fold(match[0]))
        self._starts.append(match.start())
        self._folded.append(match.start() + self._grown)
        self._sizes.append(size)
        self._grown += size - 1
        return True
