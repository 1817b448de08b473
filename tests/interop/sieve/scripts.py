"""Generates scripts of probes: tests whose results, with the text that their wildcards matched, can be compared.

A script is a list of probes and of actions. Each probe that is true appends its number and its match variables to a
variable, which a notification shows at the end. Keys are pieces of the corpus, so that many of them match.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.interop.sieve.keys import Keys, quoted, quoted_list

_EXTENSIONS_TEXT = (
    "fileinto copy envelope encoded-character variables relational comparator-i;ascii-numeric subaddress "
    "imap4flags body date index regex editheader mailbox ihave enotify mime foreverypart extracttext "
    "vacation reject"
)
EXTENSIONS = tuple(_EXTENSIONS_TEXT.split())
_RECORD = 'set :encodeurl "c" "${1}~${2}~${3}"; set "o" "${o} %d=${c}";'
_FRESH = 'if string :matches "" "*" { }'
_DATE_PARTS_TEXT = "year month day date julian hour minute second time iso8601 std11 zone weekday"
_DATE_PARTS = tuple(_DATE_PARTS_TEXT.split())
_RELATIONS = ("gt", "ge", "lt", "le", "eq", "ne")
_ADDRESS_FIELDS = ("from", "to", "cc", "sender", "reply-to", "resent-from")
_TYPES = ("text", "text/plain", "text/html", "multipart", "message/rfc822", "image/gif", "application", "")
_ACTIONS = (
    "keep;",
    "discard;",
    'fileinto "Folder/A";',
    'fileinto :copy :flags ["x", "\\\\Answered"] "B";',
    'fileinto :create "C ${w}";',
    'fileinto "inbox";',
    'redirect "other@example.net";',
    'redirect :copy "Other Name <third@example.net>";',
    'vacation :days 3 :subject "Away" :addresses "owner@example.org" "I am away";',
    'keep :flags "\\\\Deleted";',
    'if size :over 4K { stop; } fileinto "small";',
)


class GeneratedScript(NamedTuple):
    """A script, and the text of each of its probes."""

    source: str
    probes: tuple[str, ...]


def generate(seed: int, keys: Keys, probes: int = 14) -> GeneratedScript:
    """The script of a seed."""
    return _Maker(random.Random(seed), keys).script(probes)


class _Maker:
    def __init__(self, rng: random.Random, keys: Keys) -> None:
        self._rng, self._keys = rng, keys
        self._probes: list[str] = []
        self._edits = rng.random() < 0.25
        """Whether the script edits the header. Pigeonhole then loses the body, so such a script reads no body."""

    def script(self, count: int) -> GeneratedScript:
        """`require`, probes with actions between them, and the notification."""
        lines = [f"require {quoted_list(EXTENSIONS)};"]
        for _ in range(count):
            if self._rng.random() < 0.3:
                lines.append(self._change())
            lines.append(self._loop() if self._rng.random() < 0.1 and not self._edits else self._probe(self._test()))
        lines += self._rng.sample(_ACTIONS, self._rng.randint(0, 3))
        lines.append('notify :message "${o}" "mailto:owner@example.org";')
        return GeneratedScript("\n".join(lines) + "\n", tuple(self._probes))

    def _probe(self, test: str) -> str:
        number = len(self._probes)
        self._probes.append(test)
        return f"{_FRESH}\nif {test} {{ {_RECORD % number} }}"

    def _loop(self) -> str:
        """A loop over the parts; its probe says in which part the test was true."""
        number = len(self._probes)
        test = self._pick((self._mime_header, self._mime_header, self._part_address, self._exists_in_part))()
        extra = 'extracttext :first 20 "x"; set :encodeurl "x" "${x}";' if self._rng.random() < 0.5 else 'set "x" "";'
        end = " break;" if self._rng.random() < 0.3 else ""
        body = f'set :encodeurl "c" "${{1}}~${{2}}~${{x}}"; set "o" "${{o}} {number}=${{c}}";{end}'
        self._probes.append(f"foreverypart {{ if {test} {{ {extra}{end} }} }}")
        return f"foreverypart {{ {_FRESH} if {test} {{ {extra} {body} }} }}"

    def _pick(self, choices: Sequence[Callable[[], str]]) -> Callable[[], str]:
        return self._rng.choice(choices)

    def _test(self, depth: int = 0) -> str:
        if depth < 2 and self._rng.random() < 0.12:
            return self._combined(depth)
        return self._pick(
            (
                *(self._header,) * 6,
                *(self._address,) * 5,
                *(self._date,) * 2,
                *((self._exists,) if self._edits else (self._body, self._body, self._body)),
                *((self._exists,) if self._edits else (self._mime_header, self._mime_header)),
                self._envelope,
                self._exists,
                self._size,
                self._string,
                self._hasflag,
                self._others,
            )
        )()

    def _combined(self, depth: int) -> str:
        inner = [self._test(depth + 1) for _ in range(self._rng.randint(1, 3))]
        name = self._rng.choice(("allof", "anyof", "not"))
        return f"not {inner[0]}" if name == "not" else f"{name} ({', '.join(inner)})"

    def _header(self) -> str:
        names = self._keys.names(self._rng)
        index = self._index() if len(names) == 1 else ""
        return f"header{index} {self._match(self._keys.of_fields(names))}".replace("@", quoted_list(names), 1)

    def _address(self) -> str:
        name = self._rng.choice(_ADDRESS_FIELDS)
        part = self._rng.choice((":all", ":localpart", ":domain", ":user", ":detail", ""))
        match = self._match(self._keys.of_addresses(name, part))
        return f"address{self._index()} {part} {match}".replace("@", quoted(name), 1)

    def _envelope(self) -> str:
        name = self._rng.choice(("from", "to"))
        part = self._rng.choice((":all", ":localpart", ":domain", ":user", ":detail", ""))
        match = self._match(("sender@example.net", "owner+detail@example.org", "owner", "detail", "example.org"))
        return f"envelope {part} {match}".replace("@", quoted(name), 1)

    def _exists(self) -> str:
        return f"exists {quoted_list(self._keys.names(self._rng))}"

    def _exists_in_part(self) -> str:
        return f"exists :mime {quoted(self._rng.choice(('content-type', 'content-disposition', 'subject')))}"

    def _size(self) -> str:
        return f"size {self._rng.choice((':over', ':under'))} {self._rng.choice(('0', '500', '1K', '3k', '10K', '1M'))}"

    def _string(self) -> str:
        source = self._rng.choice(('"${v}"', '["${v}", "${w}", ""]', '"${o}"', '"a${v}b${nothing}"'))
        return f"string {self._match(self._keys.words)}".replace("@", source, 1)

    def _hasflag(self) -> str:
        flags = self._rng.choice(('"\\\\Seen"', '["a", "b"]', '"\\\\Flagged a"', '"c"'))
        kind = self._rng.choice((":is", ":contains", ":matches", ':count "ge" :comparator "i;ascii-numeric"'))
        return f"hasflag {kind} {flags if 'count' not in kind else quoted(str(self._rng.randint(0, 3)))}"

    def _date(self) -> str:
        part = self._rng.choice(_DATE_PARTS)
        zone = self._rng.choice((":originalzone", ':zone "+0000"', ':zone "-0530"', ':zone "+1200"'))
        name = self._rng.choice(("date", "date", "received", "resent-date", "x-none"))
        match = self._match(self._keys.of_dates(part))
        return f"date{self._index()} {zone} {match}".replace("@", f'"{name}" "{part}"', 1)

    def _body(self) -> str:
        transform = self._rng.choice((":raw", ":text", "", f":content {quoted(self._rng.choice(_TYPES))}"))
        return f"body {transform} {self._match(self._keys.body_words)}".replace(" @", "", 1)

    def _mime_header(self) -> str:
        child = " :anychild" if self._rng.random() < 0.6 else ""
        name = self._rng.choice(("content-type", "content-disposition", "content-transfer-encoding"))
        option = self._rng.choice(
            (":type", ":subtype", ":contenttype", ':param "charset"', ':param ["name", "filename"]', "")
        )
        match = self._match(self._keys.mime_words)
        return f"header :mime{child} {option} {match}".replace("@", quoted(name), 1)

    def _part_address(self) -> str:
        return f"address :mime {self._match(self._keys.of_addresses('from', ':all'))}".replace("@", '"from"', 1)

    def _others(self) -> str:
        return self._rng.choice(
            (
                "true",
                "false",
                'valid_notify_method "mailto:a@example.org"',
                'valid_notify_method ["mailto:a@example.org", "nothing:x"]',
                'notify_method_capability "mailto:a@example.org" "Online" "maybe"',
                'ihave "fileinto"',
                'ihave ["fileinto", "no-such-thing"]',
                'currentdate :matches :zone "+0000" "year" "20??"',
                'currentdate :value "ge" "date" "2020-01-01"',
            )
        )

    def _index(self) -> str:
        if self._rng.random() < 0.75:
            return ""
        return f" :index {self._rng.randint(1, 3)}" + (" :last" if self._rng.random() < 0.4 else "")

    def _match(self, values: Sequence[str]) -> str:
        """Match type, comparator, "@" for what is compared, and the keys."""
        rng = self._rng
        kind = rng.choice(
            ("is", "is", "contains", "contains", "matches", "matches", "matches", "regex", "value", "count")
        )
        comparator = rng.choice(("", "", ' :comparator "i;octet"', ' :comparator "i;ascii-casemap"'))
        if kind == "count":
            number = rng.choice(("0", "1", "2", "3", "10"))
            return f':count "{rng.choice(_RELATIONS)}" :comparator "i;ascii-numeric" @ "{number}"'
        if kind in ("value", "is") and rng.random() < 0.3:
            comparator = ' :comparator "i;ascii-numeric"'
        tag = f':value "{rng.choice(_RELATIONS)}"' if kind == "value" else f":{kind}"
        count = rng.choice((1, 1, 1, 2, 4))
        return f"{tag}{comparator} @ {quoted_list([self._keys.key(rng, kind, values) for _ in range(count)])}"

    def _change(self) -> str:
        rng = self._rng
        flag = rng.choice(('"a"', '["\\\\Seen", "b"]', '"\\\\flagged c A"', '""'))
        modifiers = rng.sample((":lower", ":upperfirst", ":length", ":quotewildcard"), rng.randint(0, 2))
        value = rng.choice((quoted(rng.choice(self._keys.words)), '"${1}${v}"', '"${hex:41 62}${unicode:e9}"'))
        changes = [
            f'set {" ".join(modifiers)} "{rng.choice("vw")}" {value};',
            f"{rng.choice(('setflag', 'addflag', 'removeflag'))} {flag};",
        ]
        edits = [
            f'addheader{rng.choice(("", " :last"))} "X-Added" {quoted(rng.choice(self._keys.words))};',
            f"deleteheader {quoted(rng.choice(('received', 'x-added', 'subject', 'to', 'x-mailer')))};",
            f'deleteheader :index 1 :matches "x-mailer" {quoted(self._keys.key(rng, "matches", self._keys.words))};',
        ]
        return rng.choice(changes + edits if self._edits else changes)
