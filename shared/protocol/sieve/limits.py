"""The limits of scripts and of their runs (RFC 5228 §2.10.7): everything that a stranger's script controls has one."""

from __future__ import annotations

import msgspec


class ScriptLimits(msgspec.Struct, frozen=True):
    """Limits of one script. The first group is checked when a script is compiled, the second when it runs.

    RFC 5228 §2.10.7 demands 15 nested blocks and 15 nested test lists, RFC 5229 §6 demands 128 variables of 4000
    characters.
    """

    script_octets: int = 1 << 18
    nesting: int = 32
    commands: int = 10_000
    """Commands and tests of a script."""
    strings_in_list: int = 1000
    string_octets: int = 1 << 17
    patterns: int = 100
    """Regular expressions of a script, because each takes memory."""
    errors: int = 50
    """Errors that are reported; the rest of the script is then not examined."""

    actions: int = 64
    redirects: int = 8
    notifications: int = 8
    variables: int = 256
    variable_characters: int = 8000
    name_characters: int = 64
    expanded_octets: int = 1 << 20
    """Octets of a string when its variables are replaced; the text of a generated mail is such a string."""
    include_depth: int = 10
    includes: int = 64
    steps: int = 100_000
    """Commands and tests of a run, with those of included scripts and of loops."""
    work: int = 64_000_000
    """The octets that a run may compare, copy and decode."""
    added_fields: int = 128
    body_octets: int = 1 << 24
    """Decoded octets of a part that a test or an action reads."""


DEFAULT_SCRIPT_LIMITS = ScriptLimits()
