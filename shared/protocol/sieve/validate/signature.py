"""What a command or a test accepts, as a value: its tags, its positional arguments, its tests and its block."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class ArgumentKind(Enum):
    """The type of an argument (RFC 5228 §2.4), as messages name it."""

    STRING = "a string"
    STRINGS = "a string list"
    NUMBER = "a number"


class TestsKind(Enum):
    """The tests that a command or a test takes (RFC 5228 §2.5)."""

    NONE = "no test"
    SINGLE = "a test"
    LIST = "a list of tests"


class Tag(NamedTuple):
    """A tagged argument (RFC 5228 §2.6.2).

    Tags of the same `group` exclude each other. `extension` must be required, in addition to that of the command.
    """

    name: str
    takes: ArgumentKind | None = None
    group: str = ""
    extension: str = ""


class NodeSignature(NamedTuple):
    """A command or a test. `extensions`: any of them, when required, makes it known; none for the base language.

    `optional` counts the first positional arguments that may be left out, `optional_at_end` the last.
    """

    name: str
    positional: tuple[ArgumentKind, ...] = ()
    tags: tuple[Tag, ...] = ()
    extensions: tuple[str, ...] = ()
    optional: int = 0
    optional_at_end: int = 0
    tests: TestsKind = TestsKind.NONE
    block: bool = False


STRING, STRINGS, NUMBER = ArgumentKind.STRING, ArgumentKind.STRINGS, ArgumentKind.NUMBER

COMPARATOR = Tag("comparator", STRING, "comparator")
MATCH_TAGS = (
    COMPARATOR,
    Tag("is", group="match type"),
    Tag("contains", group="match type"),
    Tag("matches", group="match type"),
    Tag("value", STRING, "match type", "relational"),
    Tag("count", STRING, "match type", "relational"),
    Tag("regex", group="match type", extension="regex"),
    Tag("list", group="match type", extension="extlists"),
)
ADDRESS_TAGS = (
    Tag("all", group="address part"),
    Tag("localpart", group="address part"),
    Tag("domain", group="address part"),
    Tag("user", group="address part", extension="subaddress"),
    Tag("detail", group="address part", extension="subaddress"),
)
INDEX_TAGS = (Tag("index", NUMBER, "index", "index"), Tag("last", extension="index"))
MIME_TAGS = (Tag("mime", extension="mime"), Tag("anychild", extension="mime"))
MIME_PART_TAGS = (
    Tag("type", group="mime option", extension="mime"),
    Tag("subtype", group="mime option", extension="mime"),
    Tag("contenttype", group="mime option", extension="mime"),
    Tag("param", STRINGS, "mime option", "mime"),
)
