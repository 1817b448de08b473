"""The measurement of the text index: the figures are those of the messages that were indexed."""

from pathlib import Path

from loadtest.content.profile import Profile
from loadtest.text_engine.measure import QUESTIONS, measure
from loadtest.text_engine.table import lines


async def test_the_rare_words_are_found(tmp_path: Path) -> None:
    ticks: list[int] = []
    profile = Profile(median_size=2000, attachment_share=0.0)
    cost = await measure(tmp_path, 450, profile, 1, lambda: ticks.append(1))
    hits = {time.question: time.hits for time in cost.times}
    assert list(hits) == list(QUESTIONS)
    assert hits["BODY, a rare word"] == hits["TEXT, a rare word"] == 3
    assert hits["SUBJECT, a rare word"] > 0
    assert hits["BODY, a word of no message"] == 0
    assert hits["BODY, a letter"] == hits["TEXT, a word of all headers"] == cost.messages == 450
    assert len(ticks) == 5
    assert cost.index_octets > cost.compressed_octets > 0
    assert len(lines(cost)) == 3 + len(QUESTIONS)
