"""Names use the standard terms of mail, and a class name has one meaning."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.architecture.source import Source, sources

FORBIDDEN = frozenset(
    [
        "fact",
        "facts",
        "told",
        "tell",
        "tells",
        "came",
        "stand",
        "stands",
        "standing",
        "door",
        "doors",
        "guest",
        "guests",
        "means",
        "letter",
        "letters",
        "ride",
        "rides",
        "riding",
        "along",
        "lane",
        "lanes",
        "one",
        "found",
        "why",
        "wanted",
        "each",
    ]
)
"""Words without a meaning of their own, or replaced by a standard term: event, notify, valid, recipient, connection,
listener, dependencies, batch."""
ALLOWED = (
    re.compile(r"dead_?letters?", re.I),  # the field's term
    re.compile(r"not_?found", re.I),  # a status of gRPC
    re.compile(r"macro_letters?"),  # RFC 7208 §7.1
    re.compile(r"^one_line$"),  # an option of RE2
    re.compile(r"^test_.*"),  # the name of a test is a sentence
)
SETTINGS = frozenset({"waiting_facts"})
"""Names of settings stay, whatever the code calls the thing now."""
SAME_MEANING = frozenset({"Noop", "StartTls", "Not"})
"""A command or an operator that two protocols have under the same name."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def names(file: Source) -> Iterator[tuple[int, str]]:
    """Line and text of every name that the file gives."""
    yield 0, file.parts[-1]
    for node in file.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)) and node.name:
            yield node.lineno, node.name
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.asname) for alias in node.names if alias.asname)


def forbidden_words(name: str) -> set[str]:
    """The forbidden words in a name, without the allowed ones."""
    if name in SETTINGS:
        return set()
    for allowed in ALLOWED:
        name = allowed.sub("", name)
    return {word.lower() for word in _WORD.findall(name)} & FORBIDDEN


def test_names_are_the_fields_own() -> None:
    assert [
        f"{file.name}:{line} {name}" for file in sources() for line, name in names(file) if forbidden_words(name)
    ] == []


def test_a_class_name_has_one_meaning() -> None:
    places = defaultdict(list)
    for file in sources("services", "shared"):
        for node in file.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(file.name)
    twice = {name: files for name, files in places.items() if len(files) > 1 and name not in SAME_MEANING}
    assert twice == {}


def test_the_words_are_seen_in_names() -> None:
    assert forbidden_words("_told_flags") == {"told"}
    assert forbidden_words("ClientFacts") == {"facts"}
    assert forbidden_words("DeadLetters") == forbidden_words("NOT_FOUND") == forbidden_words("macro_letter") == set()
