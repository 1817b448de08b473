"""Places a mail signature into a message, of which only the texts are read: pure, and the same at every repeat.

All octets but those of the changed texts and of their headers stay as they are stored. The work grows with the parts of
the scan and with the texts, which are bounded by `PlacingRules.text_octets`; attachments cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from shared.protocol.message.mail_signature.charsets import ReadText, read_text, written_text
from shared.protocol.message.mail_signature.html_placing import HtmlForm
from shared.protocol.message.mail_signature.outcome import (
    CannotPlace,
    ChangedText,
    NotPlaced,
    PlacedSignature,
    SkipReason,
)
from shared.protocol.message.mail_signature.overlay import Replaced, ReplacedLines, overlaid, segments_of, shifted
from shared.protocol.message.mail_signature.own_text import has_signature
from shared.protocol.message.mail_signature.part_fields import changed_fields, check_fields
from shared.protocol.message.mail_signature.plain_placing import PlainForm
from shared.protocol.message.mail_signature.template import FilledSignature, MailSignature, filled
from shared.protocol.message.mail_signature.text_choice import Texts, check_kind, text_choices
from shared.protocol.message.mail_signature.transfer_forms import TransferForm, decoded_transfer, encoded_transfer
from shared.protocol.message.markup import html_text
from shared.protocol.message.outgoing.segments import Copied, Ranges
from shared.protocol.message.scan import Part, Scan


class PlacingRules(msgspec.Struct, frozen=True):
    """What an operator decides about mail signatures."""

    text_octets: int = 2 << 20
    """Octets of all texts of a message, as transferred, above which it gets no mail signature."""
    signs_automatic: bool = False
    """Whether the mail of programs (Auto-Submitted other than `no`) gets it too."""


DEFAULT_RULES = PlacingRules()


def place(
    header: bytes,
    scan: Scan,
    read: Ranges,
    signature: MailSignature,
    values: Mapping[str, str],
    rules: PlacingRules = DEFAULT_RULES,
) -> PlacedSignature | NotPlaced:
    """The message with the mail signature in the text that its sender wrote, or the reason for which it has none.

    `header` is the header of the whole message as it is to be sent; `scan` and `read` are of the stored message, and
    `values` are the user's, by the names of placeholders. Raises what `read` raises.
    """
    try:
        return _Placing(header, scan, read, filled(signature, values), rules).run()
    except CannotPlace as error:
        return NotPlaced(error.reason, error.number)


class _Text(NamedTuple):
    """A text that may get the mail signature."""

    ordinal: int
    """Its index in the scan."""
    part: Part
    block: bytes
    """Its header."""
    body: bytes
    """As transferred."""
    content: ReadText
    form: PlainForm | HtmlForm


class _Change(NamedTuple):
    """A changed text: its new part, whose offsets are still the old ones, and what is replaced."""

    text: ChangedText
    part: Part
    header: bytes
    replaced: tuple[ReplacedLines, ...]


class _Placing:
    """The work on one message."""

    def __init__(
        self, header: bytes, scan: Scan, read: Ranges, signature: FilledSignature, rules: PlacingRules
    ) -> None:
        self._header = header
        self._scan = scan
        self._read = read
        self._signature = signature
        self._rules = rules

    def run(self) -> PlacedSignature:
        if not self._signature.html:
            raise CannotPlace(SkipReason.NO_SIGNATURE)
        check_kind(self._header, self._scan, signs_automatic=self._rules.signs_automatic)
        choices = text_choices(self._scan)
        self._check_size(choices)
        texts = [[self._text(index) for index in choice] for choice in choices]
        self._check_own([text for choice in texts for text in choice])
        chosen = [_chosen(choice) for choice in texts]
        return self._placed({text.ordinal: self._changed(text) for text in chosen})

    def _check_size(self, choices: tuple[Texts, ...]) -> None:
        left = self._rules.text_octets
        for choice in choices:
            for index in choice:
                part = self._scan.parts[index]
                left -= part.size
                if left < 0:
                    raise CannotPlace(SkipReason.TOO_LARGE, part.number)

    def _text(self, index: int) -> _Text:
        part = self._scan.parts[index]
        block = b"".join(self._read(part.header_start, part.body_start)) if index else self._header
        check_fields(block, part.content_type, part.number, is_message=not index)
        body = b"".join(self._read(part.body_start, part.body_end))
        try:
            content = read_text(decoded_transfer(body, part.encoding), part.charset)
        except CannotPlace as error:
            raise CannotPlace(error.reason, part.number) from error
        form = HtmlForm(content.text) if part.subtype == "html" else PlainForm(content.text, part)
        return _Text(index, part, block, body, content, form)

    def _check_own(self, texts: list[_Text]) -> None:
        for text in texts:
            if text.form.has_armour:
                raise CannotPlace(SkipReason.PGP_TEXT, text.part.number)
        forms = dict.fromkeys((self._signature.text, html_text(self._signature.html, links=False)))
        for text in texts:
            own = text.form.own
            if any(has_signature(own, form) for form in forms):
                raise CannotPlace(SkipReason.ALREADY_THERE, text.part.number)

    def _changed(self, text: _Text) -> _Change:
        part, is_html = text.part, text.part.subtype == "html"
        insertion = text.form.insertion(self._signature.html if is_html else self._signature.text)
        try:
            written = written_text(text.content, insertion.at, insertion.inserted, is_html=is_html)
        except CannotPlace as error:
            raise CannotPlace(error.reason, part.number) from error
        inserted = written.octets if written.charset else written.inserted.encode("utf-8")
        form = encoded_transfer(written.octets, inserted, TransferForm(text.body, part.encoding))
        header = self._changed_header(text, written.charset, form)
        changed = _with(part, form.encoding, written.charset)
        entry = ChangedText(part.number, part.subtype, insertion.position, form.encoding, changed.charset)
        replaced = [self._replaced(part, text.body, form.octets)]
        if text.ordinal and header != text.block:
            lines = header.count(b"\n") - text.block.count(b"\n")
            replaced.insert(0, ReplacedLines(Replaced(part.header_start, part.body_start, header), lines))
        return _Change(entry, changed, header, tuple(replaced))

    def _changed_header(self, text: _Text, charset: str, form: TransferForm) -> bytes:
        encoding = form.encoding if form.encoding != text.part.encoding else ""
        content_type = text.part.content_type
        return changed_fields(text.block, content_type, charset, encoding, is_message=not text.ordinal)

    def _replaced(self, part: Part, old: bytes, new: bytes) -> ReplacedLines:
        """The body, and a line end where the next delimiter would not begin a line any more."""
        following = b"".join(self._read(part.body_end, min(part.body_end + 1, self._scan.size)))
        tail = b"\r\n" if following not in (b"", b"\r", b"\n") else b""
        replaced = Replaced(part.body_start, part.body_end, new, tail)
        return ReplacedLines(replaced, new.count(b"\n") - old.count(b"\n"))

    def _placed(self, changes: dict[int, _Change]) -> PlacedSignature:
        scan, size = self._scan, self._scan.size
        lines = sorted(entry for change in changes.values() for entry in change.replaced)
        replaced = [change for change, _ in lines]
        stored_header = () if not scan.header_end else (Copied(0, scan.header_end),)
        segments = segments_of(replaced, scan.header_end, size)
        return PlacedSignature(
            changes[0].header if 0 in changes else self._header,
            shifted(scan, lines, {index: change.part for index, change in changes.items()}),
            overlaid((*stored_header, *segments), self._read),
            segments,
            tuple(change.text for change in changes.values()),
        )


def _chosen(texts: list[_Text]) -> _Text:
    """The first text with a quotation at its end, above which the sender's own text ends; else the last text."""
    return next((text for text in texts if text.form.has_quotation), texts[-1])


def _with(part: Part, encoding: str, charset: str) -> Part:
    """The part with its new description; its offsets are still the old ones."""
    parameters = part.parameters
    if charset:
        parameters = (*((name, value) for name, value in parameters if name != "charset"), ("charset", charset))
    return msgspec.structs.replace(part, encoding=encoding, parameters=parameters, md5="")
