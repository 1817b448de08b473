"""Whether the sender's own text has the mail signature already."""

from __future__ import annotations

import pytest

from shared.protocol.message.mail_signature.own_text import has_signature

SIGNATURE = "Ann Lee\n\nExample Ltd"


@pytest.mark.parametrize(
    "own",
    [
        SIGNATURE,
        "ANN LEE\nEXAMPLE LTD",
        "Hi\n  Ann   Lee\n\n\nExample\tLtd  \nBye",
        "Hi\nAnn Lee Example Ltd",
        "Hi\nAnn\nLee\nExample\nLtd",
        "Hi\nAnn Lee\n--\nExample Ltd",
        "Hi\nA\u200bnn L\u00adee\nExample Ltd",
        "Ann Lee\nExample Ltd, not.\nAnn Lee\nExample Ltd",
    ],
)
def test_it_is_there(own: str) -> None:
    assert has_signature(own, SIGNATURE)


@pytest.mark.parametrize(
    "own",
    [
        "",
        "Ann Lee",
        "Example Ltd\nAnn Lee",
        "I am Ann Lee\nExample Ltd",
        "Ann Lee\nExample Ltd.",
        "Ann Lee x\nExample Ltd",
    ],
)
def test_it_is_not_there(own: str) -> None:
    assert not has_signature(own, SIGNATURE)


@pytest.mark.parametrize("signature", ["", "\n", "--", "\u200b"])
def test_a_blank_signature_is_nowhere(signature: str) -> None:
    assert not has_signature("Hi\n--\n", signature)
