"""The state of one run: the message, the variables, the actions so far, and what is left of the limits."""

from __future__ import annotations

from collections.abc import Callable

from shared.protocol.imap.mailbox_name import INBOX, canonical_name
from shared.protocol.sieve.actions import FileIntoAction, KeepAction, SieveAction
from shared.protocol.sieve.environment import Answers, SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.mail.view import PresentMessage
from shared.protocol.sieve.outcome import StepNote
from shared.protocol.sieve.program import RunFailed

MOST_NOTES = 10_000
"""Steps of an account; the steps after them are not listed."""

ANSWER_WORK = 1000
"""The work of a question to the outside, in octets compared."""

Variables = dict[str, bytes]


class ScriptRun:
    """One run of a script over one message."""

    def __init__(
        self,
        message: PresentMessage,
        envelope: SieveEnvelope,
        environment: SieveEnvironment,
        answers: Answers,
        limits: ScriptLimits,
        account: list[StepNote] | None,
    ) -> None:
        self.message, self.envelope, self.environment = message, envelope, environment
        self.answers, self.limits, self.account = answers, limits, account
        self.steps_left, self.work_left = limits.steps, limits.work
        self.actions: list[SieveAction] = []
        self.keeps_implicitly = True
        self.variables: Variables = {}
        self.global_variables: Variables = {}
        self.shared_names: frozenset[str] = frozenset()
        """The variables of the present script that are the global ones (RFC 6609 §3.4.1)."""
        self.captures: tuple[bytes, ...] = ()
        self.flags: tuple[str, ...] = environment.flags
        self.parts: list[int] = []
        """The parts of the running `foreverypart` loops, the innermost last."""
        self.included: list[tuple[str, str]] = []
        self.once: set[tuple[str, str]] = set()
        self.includes = 0
        self.depth = 0
        self.added_fields = 0
        self.has_answered = False
        """Whether `vacation` has run; a script runs it once (RFC 5230 §4.7)."""
        self.enclosures: list[Callable[[], bytes]] = []
        """The `enclose` actions of a running loop; they change the message when it has ended."""
        self.line = 0
        self.script = ""

    def spend(self, octets: int) -> None:
        """Take octets from the work that is left. Raises RunFailed."""
        self.work_left -= octets
        if self.work_left < 0:
            raise RunFailed(f"the script compares, copies or decodes more than {self.limits.work} octets")

    def step(self) -> None:
        """Count a command or a test. Raises RunFailed."""
        self.steps_left -= 1
        if self.steps_left < 0:
            raise RunFailed(f"the script runs more than {self.limits.steps} commands and tests")

    def note(self, text: str, result: bool | None = None, line: int = 0) -> None:
        """Add a step to the account, if it is asked for."""
        if self.account is not None and len(self.account) < MOST_NOTES:
            self.account.append(StepNote(line or self.line, text, result, self.script))

    def variable(self, name: str) -> bytes:
        """The value of a variable, empty when it is unset (RFC 5229 §3)."""
        if name in self.shared_names:
            return self.global_variables.get(name, b"")
        prefix, dot, rest = name.partition(".")
        if not dot:
            return self.variables.get(name, b"")
        if prefix == "global":
            return self.global_variables.get(rest, b"")
        return self.environment.items.get(rest, "").encode()

    def set_variable(self, name: str, value: bytes) -> None:
        """Set a variable to a value, which is cut at the limit. Raises RunFailed above the number of variables."""
        is_global = name in self.shared_names or name.startswith("global.")
        store = self.global_variables if is_global else self.variables
        name = name.removeprefix("global.")
        if name not in store and len(store) >= self.limits.variables:
            raise RunFailed(f"the script has more than {self.limits.variables} variables")
        store[name] = cut_characters(value, self.limits.variable_characters)

    def finish_enclosures(self) -> None:
        """Enclose the message, once for each `enclose` so far."""
        enclosures, self.enclosures = self.enclosures, []
        for enclosure in enclosures:
            self.message.set_content(enclosure())

    def act(self, action: SieveAction) -> None:
        """Add an action. Raises RunFailed above the limit."""
        if len(self.actions) >= self.limits.actions:
            raise RunFailed(f"the script has more than {self.limits.actions} actions")
        self.actions.append(action)

    def is_stored_in_inbox(self) -> bool:
        """Whether an action stores the message in INBOX, so that the implicit keep adds nothing."""
        stores = (action for action in self.actions if isinstance(action, (KeepAction, FileIntoAction)))
        return any(target_of(action) == (INBOX, "", "") for action in stores)

    def store(self, action: KeepAction | FileIntoAction) -> None:
        """Add a keep or fileinto; a mailbox gets one copy, with the flags of the last action (RFC 5232 §3)."""
        target = target_of(action)
        for index, earlier in enumerate(self.actions):
            if isinstance(earlier, (KeepAction, FileIntoAction)) and target_of(earlier) == target:
                self.actions[index] = _with_flags(earlier, action)
                return
        self.act(action)


def target_of(action: KeepAction | FileIntoAction) -> tuple[str, str, str]:
    """Where a stored copy goes, for comparison."""
    if isinstance(action, KeepAction):
        return INBOX, "", ""
    return canonical_name(action.mailbox), action.mailbox_id, action.special_use.lower()


def _with_flags(
    earlier: KeepAction | FileIntoAction, later: KeepAction | FileIntoAction
) -> KeepAction | FileIntoAction:
    if isinstance(earlier, KeepAction):
        return KeepAction(earlier.implicit, later.flags, earlier.edits, earlier.line)
    return FileIntoAction(
        earlier.mailbox,
        later.flags,
        earlier.create or (isinstance(later, FileIntoAction) and later.create),
        earlier.copy and isinstance(later, FileIntoAction) and later.copy,
        earlier.mailbox_id,
        earlier.special_use,
        earlier.edits,
        earlier.line,
    )


def cut_characters(value: bytes, most: int) -> bytes:
    """At most `most` characters of a UTF-8 value, without a part of a character at the end (RFC 5229 §6)."""
    if len(value) <= most:
        return value
    text = value[: 4 * most + 4].decode("utf-8", "ignore")
    return text[:most].encode("utf-8")


def as_text(value: bytes) -> str:
    """A value as text. Raises RunFailed when it contains half a character, which octet-wise matching can make."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise RunFailed("the text is not valid UTF-8") from None
