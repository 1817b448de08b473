"""docs/settings.md says what the declarations say."""

from __future__ import annotations

from mailfold.settings_page import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m mailfold.settings_page`"
