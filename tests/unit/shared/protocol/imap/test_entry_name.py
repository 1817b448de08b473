"""Names of annotations (RFC 5464 §3.2), and how deep a question reaches (§4.2.2)."""

import pytest

from shared.protocol.imap.entry_name import Depth, InvalidEntryName, entry_base, entry_name, is_within


def test_names_are_compared_without_case() -> None:
    assert entry_name("/Shared/Vendor/Token/A b") == "/shared/vendor/token/a b"
    assert entry_base("/PRIVATE") == "/private"


OTHERS = [
    *("", "comment", "/comment", "/private", "/private/", "/sharedx/a"),
    *("/shared//a", "/shared/a/", "/shared/*", "/shared/a%", "/shared/\x19", "/shared/é", "/shared/\x7f"),
    *("/shared" + "/a" * 20, "/shared/" + "a" * 493),
]


@pytest.mark.parametrize("text", OTHERS)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidEntryName):
        entry_name(text)


@pytest.mark.parametrize(
    ("depth", "within"),
    [
        (Depth.EXACT, ["/shared/a"]),
        (Depth.CHILDREN, ["/shared/a", "/shared/a/b"]),
        (Depth.ALL, ["/shared/a", "/shared/a/b", "/shared/a/b/c"]),
    ],
)
def test_depth(depth: Depth, within: list[str]) -> None:
    entries = ["/shared/a", "/shared/a/b", "/shared/a/b/c", "/shared/ab", "/private/a"]
    assert [entry for entry in entries if is_within(entry, "/shared/a", depth)] == within
