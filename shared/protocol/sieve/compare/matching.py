"""Match types (RFC 5228 §2.7.1): a matcher says whether any value matches any key, and sets the match variables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from shared.protocol.sieve.compare.characters import FoldedValue, compile_folded_glob
from shared.protocol.sieve.compare.comparator import COMPARATORS, DEFAULT_COMPARATOR, RELATIONS, Comparator
from shared.protocol.sieve.compare.glob import MOST_CAPTURES, Glob, compile_glob
from shared.protocol.sieve.compare.pattern import CompiledPattern, InvalidPattern, compile_pattern
from shared.protocol.sieve.extensions import COMPARATOR_EXTENSIONS
from shared.protocol.sieve.program import RunFailed
from shared.protocol.sieve.running import ANSWER_WORK, ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.text import ScriptText

Matcher = Callable[[ScriptRun, Sequence[bytes]], bool]
Keys = tuple[ScriptText, ...]
_MATCH_TAGS = ("is", "contains", "matches", "value", "count", "regex", "list")
VALUE_WORK = 100
"""The least work to compare a value with a key, in octets."""
_REGEX_WORK = 4


def compile_match(scope: Scope, arguments: Arguments, keys: Keys, sets_variables: bool = True) -> Matcher:
    """The matcher of a test with these keys. Errors go to the scope."""
    comparator = _comparator(scope, arguments)
    captures = sets_variables and scope.requires("variables")
    match arguments.chosen(*_MATCH_TAGS):
        case "contains":
            return _contains(_with_substrings(scope, arguments, comparator), keys)
        case "matches":
            return _matches(_with_substrings(scope, arguments, comparator), keys, captures)
        case "regex":
            return _regex(scope, arguments, comparator, keys, captures)
        case "value" | "count" as kind:
            return _relational(scope, arguments, comparator, keys, kind)
        case "list":
            return _listed(keys, captures)
        case _:
            return _is(comparator, keys)


def _comparator(scope: Scope, arguments: Arguments) -> Comparator:
    name = arguments.tag_constant("comparator")
    if name is None:
        return DEFAULT_COMPARATOR
    comparator = COMPARATORS.get(name.decode("utf-8", "replace"))
    if comparator is None:
        shown = name[:60].decode("utf-8", "replace")
        scope.error(arguments.place, f'{arguments.name}: there is no comparator "{shown}"')
        return DEFAULT_COMPARATOR
    if comparator.name not in ("i;octet", "i;ascii-casemap"):
        scope.need(arguments.place, (COMPARATOR_EXTENSIONS[comparator.name],), f'the comparator "{comparator.name}"')
    return comparator


def _with_substrings(scope: Scope, arguments: Arguments, comparator: Comparator) -> Comparator:
    """The comparator if it has the substring operation; else it is an error, and the script goes on with another."""
    if comparator.has_substrings:
        return comparator
    tag = arguments.chosen("contains", "matches")
    scope.error(arguments.place, f"{arguments.name}: :{tag} cannot use the comparator {comparator.name}")
    return DEFAULT_COMPARATOR


def _constants(keys: Keys) -> list[bytes] | None:
    """The keys, if none contains a variable."""
    constants = [key.constant for key in keys if key.constant is not None]
    return constants if len(constants) == len(keys) else None


def _values(keys: Keys, run: ScriptRun) -> list[bytes]:
    return [key.value(run) for key in keys]


def _is(comparator: Comparator, keys: Keys) -> Matcher:
    form = comparator.form
    constants = _constants(keys)
    fixed = None if constants is None else frozenset(map(form, constants))

    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        forms: Collection[Any] = fixed if fixed is not None else {form(key) for key in _values(keys, run)}
        for value in values:
            run.spend(len(value) + VALUE_WORK)
            if form(value) in forms:
                return True
        return False

    return matcher


def _contains(comparator: Comparator, keys: Keys) -> Matcher:
    form: Callable[[bytes], Any] = comparator.form
    constants = _constants(keys)
    fixed = None if constants is None else list(map(form, constants))
    if fixed is not None and len(fixed) == 1:
        return _contains_single(form, fixed[0])

    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        forms = fixed if fixed is not None else [form(key) for key in _values(keys, run)]
        for value in values:
            run.spend((len(value) + VALUE_WORK) * len(forms))
            folded = form(value)
            for key in forms:
                if key in folded:
                    return True
        return False

    return matcher


def _contains_single(form: Callable[[bytes], Any], key: Any) -> Matcher:
    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        for value in values:
            run.spend(len(value) + VALUE_WORK)
            if key in form(value):
                return True
        return False

    return matcher


def _matches(comparator: Comparator, keys: Keys, captures: bool) -> Matcher:
    constants = _constants(keys)
    if comparator.by_character:
        return _matches_characters(keys, captures)
    fold = comparator.form
    fixed = None if constants is None else [_octet_glob(fold, key) for key in constants]

    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        globs = fixed if fixed is not None else [_octet_glob(fold, key) for key in _values(keys, run)]
        for value in values:
            folded: Any = fold(value)
            for glob in globs:
                spans = glob.match(folded, run.spend)
                if spans is not None:
                    if captures:
                        run.captures = (value, *(value[start:end] for start, end in spans[:MOST_CAPTURES]))
                    return True
        return False

    return matcher


def _octet_glob(fold: Callable[[bytes], Any], key: bytes) -> Glob[bytes]:
    folded: bytes = fold(key)
    return compile_glob(folded)


def _matches_characters(keys: Keys, captures: bool) -> Matcher:
    constants = _constants(keys)
    fixed = None if constants is None else list(map(compile_folded_glob, constants))

    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        globs = fixed if fixed is not None else list(map(compile_folded_glob, _values(keys, run)))
        for value in values:
            run.spend(_REGEX_WORK * len(value))
            folded = FoldedValue(value)
            for glob in globs:
                spans = glob.match(folded.folded, run.spend)
                if spans is not None:
                    if captures:
                        run.captures = (value, *map(folded.original, spans[:MOST_CAPTURES]))
                    return True
        return False

    return matcher


def _regex(scope: Scope, arguments: Arguments, comparator: Comparator, keys: Keys, captures: bool) -> Matcher:
    if comparator.name not in ("i;octet", "i;ascii-casemap"):
        scope.error(arguments.place, f"{arguments.name}: :regex cannot use the comparator {comparator.name}")
    ignores_case = comparator.name == "i;ascii-casemap"
    compiled = [_fixed_pattern(scope, key, key.constant, ignores_case) for key in keys if key.constant is not None]
    fixed = [pattern for pattern in compiled if pattern is not None] if len(compiled) == len(keys) else None

    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        patterns = fixed if fixed is not None else [_run_pattern(key, ignores_case) for key in _values(keys, run)]
        for value in values:
            run.spend(_REGEX_WORK * (len(value) + VALUE_WORK) * len(patterns))
            text = value if value.isascii() else _valid_text(value)
            for pattern in patterns:
                match = pattern.search(text)
                if match is not None:
                    if captures:
                        run.captures = tuple(group or b"" for group in (match[0], *match.groups()[:MOST_CAPTURES]))
                    return True
        return False

    return matcher


def _valid_text(value: bytes) -> bytes:
    """RE2 reads UTF-8, and no pattern matches another octet; so what is not UTF-8, as in a raw body, is replaced."""
    return value.decode("utf-8", "replace").encode()


def _fixed_pattern(scope: Scope, key: ScriptText, pattern: bytes, ignores_case: bool) -> CompiledPattern | None:
    scope.patterns += 1
    if scope.patterns > scope.limits.patterns:
        scope.error(key.place, f"the script has more than {scope.limits.patterns} regular expressions")
        return None
    try:
        return compile_pattern(pattern, ignores_case)
    except InvalidPattern as error:
        scope.error(key.place, str(error))
        return None


def _run_pattern(pattern: bytes, ignores_case: bool) -> CompiledPattern:
    try:
        return compile_pattern(pattern, ignores_case)
    except InvalidPattern as error:
        raise RunFailed(str(error)) from None


def _relational(scope: Scope, arguments: Arguments, comparator: Comparator, keys: Keys, kind: str) -> Matcher:
    relation = RELATIONS.get((arguments.tag_constant(kind) or b"").lower())
    if relation is None:
        scope.error(arguments.place, f'{arguments.name}: :{kind} takes "gt", "ge", "lt", "le", "eq" or "ne"')
        return _is(comparator, keys)
    if comparator is DEFAULT_COMPARATOR and all((key.constant or b"").isdigit() for key in keys):
        scope.notes.warn(
            arguments.place,
            f'{arguments.name}: :{kind} compares numbers as text; use :comparator "i;ascii-numeric"',
        )
    holds, rank = relation, comparator.rank

    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        ranks = [rank(key) for key in _values(keys, run)]
        run.spend((sum(map(len, values)) + VALUE_WORK * len(values)) * len(ranks))
        compared = (b"%d" % len(values),) if kind == "count" else values
        return any(holds(rank(value), key) for value in compared for key in ranks)

    return matcher


def _listed(keys: Keys, captures: bool) -> Matcher:
    """RFC 6134 §2.2: whether a value is in an external list; the keys are the names of lists."""

    def matcher(run: ScriptRun, values: Sequence[bytes]) -> bool:
        names = [as_text(key) for key in _values(keys, run)]
        for value in values:
            run.spend((len(value) + ANSWER_WORK) * len(names))
            text = value.decode("utf-8", "replace")
            if any(run.answers.list_contains(name, text) for name in names):
                if captures:
                    run.captures = (value,)
                return True
        return False

    return matcher
