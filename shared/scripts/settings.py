"""Settings of Sieve scripts, which the mailstore that stores them and the services that run them must know alike."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.protocol.sieve.extensions import BUILT_IN_COMPARATORS, EXTENSIONS
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS, ScriptLimits
from shared.settings import Section

_DEFAULT = DEFAULT_SCRIPT_LIMITS
MOST_CHANGES = 1000
"""Changes of an owner's scripts that can be listed and reverted to; the oldest are forgotten."""
_SWITCHABLE = sorted(EXTENSIONS - BUILT_IN_COMPARATORS)
_Extension = Annotated[str, Meta(pattern=f"^({'|'.join(_SWITCHABLE)})$")]


class SieveSettings(Section, frozen=True):
    """What scripts may use, how large they may be, and how much a run may do."""

    disabled_extensions: Annotated[
        tuple[_Extension, ...],
        Meta(
            description="Extensions of Sieve that are switched off, comma-separated: a script that requires one cannot "
            "be stored, and one that is stored already ends with an error and keeps the mail."
        ),
    ] = ()
    scripts: Annotated[int, Meta(description="Scripts that an account may have, and the server.", ge=1, le=1000)] = 64
    script_octets: Annotated[int, Meta(description="The size of a script in octets.", ge=4096, le=1024 * 1024)] = (
        _DEFAULT.script_octets
    )
    changes_a_day: Annotated[
        int,
        Meta(
            description="Changes of its scripts that an account may make in 24 hours; every change stays in its "
            "history.",
            ge=10,
            le=MOST_CHANGES,
        ),
    ] = 500
    changed_octets_a_day: Annotated[
        int,
        Meta(
            description="Octets of scripts that an account may store in 24 hours; every version stays in its history.",
            ge=1024 * 1024,
            le=1024 * 1024 * 1024,
        ),
    ] = 32 * 1024 * 1024
    actions: Annotated[
        int, Meta(description="Actions of a run; with more the script has failed and the mail is kept.", ge=4, le=1000)
    ] = _DEFAULT.actions
    redirects: Annotated[
        int, Meta(description="Addresses to which a run may redirect; the next one is an error.", ge=0, le=100)
    ] = _DEFAULT.redirects
    notifications: Annotated[
        int, Meta(description="Notifications of a run; the next one is an error.", ge=0, le=100)
    ] = _DEFAULT.notifications
    variables: Annotated[int, Meta(description="Variables of a run; the next one is an error.", ge=128, le=10_000)] = (
        _DEFAULT.variables
    )
    includes: Annotated[
        int, Meta(description="Scripts that a run may include; the next one is an error.", ge=0, le=1000)
    ] = _DEFAULT.includes
    steps: Annotated[
        int,
        Meta(
            description="Commands and tests of a run, with those of loops and included scripts; then it has failed.",
            ge=1000,
            le=10_000_000,
        ),
    ] = _DEFAULT.steps
    work: Annotated[
        int,
        Meta(
            description="Octets that a run may compare, copy and decode; then it has failed.",
            ge=1_000_000,
            le=10_000_000_000,
        ),
    ] = _DEFAULT.work
    nesting: Annotated[
        int, Meta(description="Blocks, or tests, within each other in a script (RFC 5228 §2.10.7).", ge=15, le=60)
    ] = _DEFAULT.nesting
    commands: Annotated[int, Meta(description="Commands and tests that a script has.", ge=100, le=100_000)] = (
        _DEFAULT.commands
    )
    strings_in_list: Annotated[int, Meta(description="Strings of a list in a script.", ge=100, le=10_000)] = (
        _DEFAULT.strings_in_list
    )
    patterns: Annotated[
        int, Meta(description="Regular expressions of a script, each of which takes memory.", ge=0, le=1000)
    ] = _DEFAULT.patterns
    variable_characters: Annotated[
        int,
        Meta(description="Characters of a variable (RFC 5229 §6); what is longer is cut.", ge=4000, le=64_000),
    ] = _DEFAULT.variable_characters
    include_depth: Annotated[
        int, Meta(description="Scripts that include each other in a chain; the next one is an error.", ge=1, le=20)
    ] = _DEFAULT.include_depth
    added_fields: Annotated[
        int, Meta(description="Header fields that a run may add; the next one is an error.", ge=0, le=1000)
    ] = _DEFAULT.added_fields
    body_octets: Annotated[
        int,
        Meta(
            description="Octets of a body or of a part that a test or an action reads; those behind them are not seen.",
            ge=65_536,
            le=64 * 1024 * 1024,
        ),
    ] = _DEFAULT.body_octets

    work_per_hour: Annotated[
        int,
        Meta(
            description="Octets that all runs of an account's scripts together may compare, copy and decode within an "
            "hour; above it they fail and the mail is kept.",
            ge=10_000_000,
            le=1_000_000_000_000,
        ),
    ] = 10_000_000_000
    keep_ends: Annotated[
        bool,
        Meta(
            description="Whether an explicit keep ends the run of the scripts: the ones after it, the account's own "
            "after the operator's first one, then do not run."
        ),
    ] = False

    @property
    def extensions(self) -> frozenset[str]:
        """The extensions that are switched on."""
        return EXTENSIONS - frozenset(self.disabled_extensions)

    @property
    def limits(self) -> ScriptLimits:
        """The limits in the form that the compiler and the interpreter take."""
        return ScriptLimits(
            script_octets=self.script_octets,
            actions=self.actions,
            redirects=self.redirects,
            notifications=self.notifications,
            variables=self.variables,
            includes=self.includes,
            steps=self.steps,
            work=self.work,
            nesting=self.nesting,
            commands=self.commands,
            strings_in_list=self.strings_in_list,
            patterns=self.patterns,
            variable_characters=self.variable_characters,
            include_depth=self.include_depth,
            added_fields=self.added_fields,
            body_octets=self.body_octets,
        )
