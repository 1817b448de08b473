"""What strangers wrote does not control the terminal."""

from __future__ import annotations

import pytest

from mailfold.commands.printing import record, table
from mailfold.commands.status import print_troubles
from mailfold.operator.report import Status, Trouble
from mailfold.texts import printable

HOSTILE = "a\x1b[2J\x9b0m\x07\u202eb\r\nc"


def test_control_characters_are_replaced_one_by_one() -> None:
    assert printable(HOSTILE) == "a�[2J�0m��b��c"
    assert printable(HOSTILE, keep_lines=True) == "a�[2J�0m��b�\nc"
    assert printable("Grüße, 茶 – ok") == "Grüße, 茶 – ok"


def test_tables_records_and_troubles_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    table(("reply",), [(HOSTILE,)])
    record({"reply": HOSTILE})
    trouble = Trouble(("outbound",), HOSTILE, HOSTILE)
    print_troubles(Status(True, False, (), (), (), 0, (trouble,)))
    output = capsys.readouterr().out
    assert not any(character in output for character in "\x1b\x9b\x07\u202e\r") and output.count("�[2J") == 4
