"""Reads the tree of a script (RFC 5228 §8.2) and goes on after an error, so that one pass finds all errors.

Each step of a loop takes a token, and nesting is limited; so no script makes it run long or recurse deep. After an
error it goes on behind the next semicolon, or behind the block, of the command with the error.
"""

from __future__ import annotations

from shared.protocol.sieve.diagnostic import Notes, Place
from shared.protocol.sieve.grammar.lexer import Lexer, SieveToken, TokenKind
from shared.protocol.sieve.grammar.syntax import (
    Argument,
    CommandNode,
    ListArgument,
    NumberArgument,
    StringArgument,
    TagArgument,
    TestNode,
)
from shared.protocol.sieve.limits import ScriptLimits

_Heads = tuple[tuple[Argument, ...], tuple[TestNode, ...], bool]


class _Misplaced(Exception):
    """A token that the grammar does not allow here; it has been reported."""


def parse_script(source: bytes, limits: ScriptLimits, notes: Notes) -> tuple[CommandNode, ...]:
    """The commands of a script. Errors go to `notes`; the commands without an error are returned in any case."""
    if len(source) > limits.script_octets:
        notes.error(Place(1, 1), f"the script has more than {limits.script_octets} octets")
        return ()
    tokens = list(Lexer(source, notes, limits.string_octets).tokens())
    return _Parser(tokens, limits, notes).script()


class _Parser:
    """A position in the tokens."""

    def __init__(self, tokens: list[SieveToken], limits: ScriptLimits, notes: Notes) -> None:
        self._tokens, self._at = tokens, 0
        self._limits, self._notes = limits, notes
        self._commands = 0
        self._is_full = False

    def script(self) -> tuple[CommandNode, ...]:
        """start = commands"""
        commands: list[CommandNode] = []
        while self._kind is not TokenKind.END:
            commands += self._block_content(0)
            if self._kind is TokenKind.CLOSE_BLOCK:
                self._report('unexpected "}"')
                self._at += 1
        return tuple(commands)

    @property
    def _token(self) -> SieveToken:
        return self._tokens[self._at]

    @property
    def _kind(self) -> TokenKind:
        return self._tokens[self._at].kind

    def _is_at(self, kind: TokenKind) -> bool:
        return self._kind is kind

    def _take(self) -> SieveToken:
        token = self._tokens[self._at]
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def _accept(self, kind: TokenKind) -> bool:
        if self._kind is kind:
            self._take()
            return True
        return False

    def _report(self, text: str) -> None:
        self._notes.error(self._token.place, text)

    def _misplaced(self, expected: str) -> _Misplaced:
        self._report(f"expected {expected}, not {_name(self._token)}")
        return _Misplaced()

    def _count(self, place: Place) -> None:
        self._commands += 1
        if self._commands == self._limits.commands + 1:
            self._notes.error(place, f"the script has more than {self._limits.commands} commands and tests")
            self._is_full = True
        if self._is_full:
            self._at = len(self._tokens) - 1
            raise _Misplaced

    def _block_content(self, depth: int) -> list[CommandNode]:
        """commands = *command"""
        commands: list[CommandNode] = []
        while self._kind not in (TokenKind.CLOSE_BLOCK, TokenKind.END):
            try:
                commands.append(self._command(depth))
            except _Misplaced:
                self._skip_command()
        return commands

    def _command(self, depth: int) -> CommandNode:
        """command = identifier arguments (";" / block)"""
        if self._kind is not TokenKind.IDENTIFIER:
            raise self._misplaced("a command")
        token = self._take()
        self._count(token.place)
        arguments, tests, has_list = self._arguments(0)
        if self._is_at(TokenKind.OPEN_BLOCK):
            return CommandNode(token.place, token.text, arguments, tests, has_list, self._block(depth + 1))
        if not self._accept(TokenKind.SEMICOLON):
            raise self._unended(token.text)
        return CommandNode(token.place, token.text, arguments, tests, has_list, None)

    def _unended(self, name: str) -> _Misplaced:
        if self._kind is TokenKind.IDENTIFIER:
            self._report(f'expected ";" after the command {name}, not {_name(self._token)}')
            return _Misplaced()
        return self._misplaced(f'";" after the command {name}')

    def _block(self, depth: int) -> tuple[CommandNode, ...]:
        """block = "{" commands "}" """
        opening = self._take()
        if depth > self._limits.nesting:
            self._notes.error(opening.place, f"blocks are nested deeper than {self._limits.nesting}")
            self._at -= 1
            self._skip_balanced()
            return ()
        commands = self._block_content(depth)
        if not self._accept(TokenKind.CLOSE_BLOCK):
            self._notes.error(opening.place, 'the block is not closed by "}"')
        return tuple(commands)

    def _arguments(self, depth: int) -> _Heads:
        """arguments = *argument [ test / test-list ]"""
        arguments: list[Argument] = []
        while (argument := self._argument()) is not None:
            arguments.append(argument)
        if self._kind is TokenKind.IDENTIFIER:
            return tuple(arguments), (self._test(depth + 1),), False
        if self._kind is TokenKind.OPEN_TESTS:
            return tuple(arguments), self._test_list(depth + 1), True
        return tuple(arguments), (), False

    def _argument(self) -> Argument | None:
        """argument = string-list / number / tag"""
        token = self._token
        match token.kind:
            case TokenKind.STRING:
                self._take()
                return StringArgument(token.place, token.octets)
            case TokenKind.NUMBER:
                self._take()
                return NumberArgument(token.place, token.number)
            case TokenKind.TAG:
                self._take()
                return TagArgument(token.place, token.text)
            case TokenKind.OPEN_LIST:
                return self._string_list()
            case _:
                return None

    def _string_list(self) -> ListArgument:
        """string-list = "[" string *("," string) "]" """
        place = self._take().place
        strings: list[StringArgument] = []
        while True:
            if self._kind is not TokenKind.STRING:
                raise self._misplaced("a string")
            token = self._take()
            strings.append(StringArgument(token.place, token.octets))
            if self._accept(TokenKind.CLOSE_LIST):
                break
            if not self._accept(TokenKind.COMMA):
                raise self._misplaced('"," or "]"')
        if len(strings) > self._limits.strings_in_list:
            self._notes.error(place, f"the list has more than {self._limits.strings_in_list} strings")
        return ListArgument(place, tuple(strings[: self._limits.strings_in_list]))

    def _test(self, depth: int) -> TestNode:
        """test = identifier arguments"""
        if self._kind is not TokenKind.IDENTIFIER:
            raise self._misplaced("a test")
        token = self._take()
        self._count(token.place)
        if depth > self._limits.nesting:
            self._notes.error(token.place, f"tests are nested deeper than {self._limits.nesting}")
            raise _Misplaced
        return TestNode(token.place, token.text, *self._arguments(depth))

    def _test_list(self, depth: int) -> tuple[TestNode, ...]:
        """test-list = "(" test *("," test) ")" """
        self._take()
        tests = [self._test(depth)]
        while self._accept(TokenKind.COMMA):
            tests.append(self._test(depth))
        if not self._accept(TokenKind.CLOSE_TESTS):
            raise self._misplaced('"," or ")"')
        return tuple(tests)

    def _skip_command(self) -> None:
        """Go behind the end of the present command: its semicolon or its block."""
        while self._kind not in (TokenKind.END, TokenKind.CLOSE_BLOCK):
            if self._kind is TokenKind.OPEN_BLOCK:
                self._skip_balanced()
                return
            if self._take().kind is TokenKind.SEMICOLON:
                return

    def _skip_balanced(self) -> None:
        depth = 0
        while self._kind is not TokenKind.END:
            kind = self._take().kind
            depth += (kind is TokenKind.OPEN_BLOCK) - (kind is TokenKind.CLOSE_BLOCK)
            if depth == 0:
                return


def _name(token: SieveToken) -> str:
    match token.kind:
        case TokenKind.IDENTIFIER:
            return f"{token.text!r}"
        case TokenKind.TAG:
            return f":{token.text}"
        case TokenKind.END:
            return token.kind.value
        case TokenKind.NUMBER | TokenKind.STRING:
            return f"a {token.kind.value}"
        case _:
            return f'"{token.kind.value}"'
