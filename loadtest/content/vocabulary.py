"""Words with the frequencies of natural language (Zipf-Mandelbrot), for ordinary mail and for spam."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache


def words(text: str) -> tuple[str, ...]:
    """The words of a text that are separated by white space."""
    return tuple(text.split())


FREQUENT = words(
    """
    the to and of a in is you for that it on this with be have we are I as at not will your or by from if can an but all
    was please our has do they which would there so about what any when my no up one more out new time just also some
    them
    their were me he may get only been like other know here now us then how should could his than who into use see need
    its over these make after first where two back work between next good think best most want take very same before
    both
    each because go way week day year today people those many such well still last made used does much being even under
    right since through must every own while against again during long few great part found down off set end
    """
)

OFFICE = words(
    """
    thanks regards meeting attached agenda report project team invoice customer order delivery schedule budget review
    draft update version server backup release contract payment account statement supplier shipment warehouse travel
    booking hotel conference quarter minutes proposal office manager department printer holiday library student lecture
    paper measurement results experiment branch patch module driver regression benchmark latency question answer
    deadline
    tomorrow monday friday morning afternoon signature phone number address colleague training interview
    """
)

LURES = words(
    """
    free winner cash prize bonus offer limited act click unsubscribe guaranteed cheap discount pills pharmacy loan
    credit
    debt mortgage casino jackpot lottery million dollars transfer beneficiary urgent confidential investment bitcoin
    profit earn income weight miracle replica luxury exclusive deal amazing risk satisfaction refund singles trial
    approved instantly member congratulations selected hurry expires
    """
)

ACCENTED = ("Größe", "café", "naïve", "Zürich", "señor", "smörgås", "façade", "œuvre", "Łódź", "Привет", "日本語")

_STEMS = words(
    """
    accept adapt advis arrang assign attach balanc calculat captur chang collect combin commit compar complet comput
    condens connect consider construct consult contain control convert coordinat correct creat declar defin deliver
    depend
    describ design detect develop direct discover discuss distribut divid document edit encod enter establish estimat
    examin exclud execut expand explain export express extend extract fasten filter finish follow forward function
    gather
    generat govern handl harvest identif improv includ indicat inform insert inspect install instruct interest interpret
    invent invest involv judg label launch limit link list maintain manag match measur mention modif monitor mount
    observ
    obtain operat organis paint perform permit plant point practis predict prepar present prevent print process produc
    program promis protect prov publish purchas quot rang react record recover reduc refer regist regulat relat remov
    repair repeat replac request requir research resolv respond restor return reveal rout sampl search select separat
    settl shar shift sketch solv sort specif start stor structur submit suggest summar suppl support surpris switch talk
    test trac transform translat transmit transport treat trust turn updat upgrad valu verif visit watch weigh welcom
    wonder
    """
)
_BEFORE = ("", "re", "un", "pre", "over", "inter")
_AFTER = ("e", "es", "ed", "ing", "er", "ers", "able", "ion", "ive", "ment")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words in the order of their rank, and the running sums of their weights."""

    words: tuple[str, ...]
    sums: tuple[float, ...]
    mean_length: float
    """The average length of a drawn word."""

    def draw(self, chance: random.Random, count: int) -> list[str]:
        """`count` random words, by their weight."""
        return chance.choices(self.words, cum_weights=self.sums, k=count)


@cache
def ordinary() -> Vocabulary:
    """The words of mail between people."""
    return _ranked(OFFICE)


@cache
def spam() -> Vocabulary:
    """The words of spam."""
    return _ranked(LURES)


def _ranked(topical: Sequence[str]) -> Vocabulary:
    """Frequent words first, then frequent and topical words in turn, then rare words."""
    head, rest = FREQUENT[:60], FREQUENT[60:]
    middle = [word for pair in itertools.zip_longest(topical, rest) for word in pair if word]
    ranked = tuple(dict.fromkeys(itertools.chain(head, middle, _tail())))
    weights = [1.0 / (rank + 2.7) for rank in range(1, len(ranked) + 1)]
    mean = sum(len(word) * weight for word, weight in zip(ranked, weights, strict=True)) / sum(weights)
    return Vocabulary(ranked, tuple(itertools.accumulate(weights)), mean)


def _tail() -> list[str]:
    """Rare words: every stem with every ending, in a fixed order."""
    made = ["".join(parts) for parts in itertools.product(_BEFORE, _STEMS, _AFTER)]
    random.Random("tail").shuffle(made)
    return made
