"""The script and the message of the measurement: rules as people write them, of which none but the last matches."""

from __future__ import annotations

import random

_REQUIRE = (
    'require ["fileinto", "imap4flags", "body", "regex", "variables", "relational", "comparator-i;ascii-numeric"];'
)
_TESTS = (
    'header :contains "subject" "word{0}"',
    'address :domain "from" "example{0}.com"',
    'header :contains ["list-id", "x-list"] "list{0}.example"',
    'anyof (address ["to", "cc"] "person{0}@example.org", header :matches "subject" "*[tag{0}]*")',
    'allof (size :over {0}K, not exists "x-header-{0}", header "x-mailer" "mailer {0}")',
    'header :matches "received" "*relay{0}.example*"',
    'address :contains :localpart ["from", "sender", "reply-to"] ["news{0}", "info{0}"]',
    'header :regex "subject" "^(re|fwd): ticket-{0}[0-9]+$"',
    'header :value "ge" :comparator "i;ascii-numeric" "x-score" "{0}0"',
    'body :contains "unsubscribe {0}"',
)
_HEADER = """\
Return-Path: <someone@example.com>
{received}From: "Some One" <someone@example.com>
To: Bob <bob@example.org>, Carol <carol@example.net>
Cc: team@example.org
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_und_die_Zahlen?= of the week
Date: Mon, 01 Jan 2024 10:00:00 +0000
Message-ID: <1@example.com>
X-Mailer: a mailer
X-Score: 0
DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; {signature}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

"""
_RECEIVED = (
    "Received: from mx{0}.example.com (mx{0}.example.com [192.0.2.{0}])\n\tby in.example.org with ESMTPS id abc{0}\n"
    "\tfor <bob@example.org>; Mon, 01 Jan 2024 10:00:0{0} +0000\n"
)
_WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "elit", "magna", "aliqua", "tempor")


def rules(count: int) -> bytes:
    """A script of `count` rules; the message satisfies the last."""
    lines = [_REQUIRE]
    for number in range(1, count):
        test = _TESTS[number % len(_TESTS)].format(number)
        lines.append(f'if {test} {{ addflag "k{number}"; fileinto "Folder{number}"; stop; }}')
    lines.append('if header :contains "subject" "zahlen" { fileinto "Numbers"; stop; }')
    return "\n".join(lines).encode() + b"\n"


def message(octets: int, seed: int = 1) -> bytes:
    """A message of this size, with CRLF: a header as relays leave it, and text."""
    rng = random.Random(seed)
    received = "".join(_RECEIVED.format(number) for number in range(1, 6))
    text = _HEADER.format(received=received, signature="b=" + "x" * 340)
    while len(text) < octets:
        text += " ".join(rng.choice(_WORDS) for _ in range(12)) + "\n"
    return text.encode().replace(b"\n", b"\r\n")[:octets]
