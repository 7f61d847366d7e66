"""The syntax of Go templates, as far as it tells which values a template may read: texts are left out.

Source: text/template/parse of Go, lex.go and parse.go.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = "{{"

_ACTION = re.compile(
    r"""\{\{(?:-(?=\s))?\s*+(?:(/\*.*?\*/)\s*-?\}\}"""
    r"""|((?:"(?:\\.|[^"\\\n])*+"|`[^`]*+`|'(?:\\.|[^'\\\n])*+'|[^"`'}])*+)\}\})""",
    re.DOTALL,
)
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"(?:\\.|[^"\\\n])*+"|`[^`]*+`)|(?P<other>'(?:\\.|[^'\\\n])*+'|[+-]?\.?\d[\w.+-]*)"""
    r"""|(?P<key>\.[^\W\d]\w*)|(?P<dot>\.)|(?P<variable>\$\w*)|(?P<word>[^\W\d]\w*)|(?P<sign>:=|[=|(),])"""
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_VERBS = ("if", "with", "range")
_CONSTANTS = ("true", "false", "nil")


class NotATemplateError(Exception):
    """Go would not parse the text."""


class Text(NamedTuple):
    """A string literal."""

    value: str


class Other(NamedTuple):
    """A number, a truth value, a character or nil."""


class Dot(NamedTuple):
    """The present context."""


class Variable(NamedTuple):
    """A variable; `$` is the context with which the template was called."""

    name: str


class Function(NamedTuple):
    """A function, by its name."""

    name: str


class Chain(NamedTuple):
    """The fields of a value, as in `.Values.image` and `(index .Values "a").b`."""

    of: Operand
    keys: tuple[str, ...]


class Pipeline(NamedTuple):
    """Commands joined by `|`; the first operand of each is called with the others, if it is a function."""

    commands: tuple[tuple[Operand, ...], ...]


class Action(NamedTuple):
    """A pipeline that is printed, or whose value variables get."""

    names: tuple[str, ...]
    pipeline: Pipeline


class Block(NamedTuple):
    """An `if`, `with` or `range`; `other` is what follows its `else`."""

    verb: str
    names: tuple[str, ...]
    pipeline: Pipeline
    body: tuple[Node, ...]
    other: tuple[Node, ...]


class Call(NamedTuple):
    """A `template` action: a named template, called with a context."""

    name: str
    pipeline: Pipeline | None


class Parsed(NamedTuple):
    """A file: its own nodes, and those of the named templates that it defines."""

    body: tuple[Node, ...]
    defined: tuple[tuple[str, tuple[Node, ...]], ...]


Operand: TypeAlias = Text | Other | Dot | Variable | Function | Chain | Pipeline
Node: TypeAlias = Action | Block | Call


def parse(text: str) -> Parsed:
    """Return the nodes of a template; NotATemplateError for what cannot be one."""
    return _Parser(list(_actions(text))).parsed()


def fragments(text: str) -> list[Action]:
    """Return what the actions of a part of a template evaluate; NotATemplateError for a part of an action."""
    found = []
    for action in _actions(text):
        words = _Words(action)
        verb = words.verb()
        if verb == "else":
            verb = words.verb()
        if verb in ("template", "block", "define"):
            words.next()
        if not words.is_done:
            names = words.names()
            found.append(Action(names, words.pipeline()))
    return found


def _actions(text: str) -> Iterator[str]:
    at = text.find(OPEN)
    while at >= 0:
        match = _ACTION.match(text, at)
        if match is None:
            raise NotATemplateError
        if match[1] is None:
            body = match[2]
            yield body[:-1] if body.endswith("-") and body[-2:-1].isspace() else body
        at = text.find(OPEN, match.end())


class _Words:
    """The tokens of one action: kind and text of each, and whether white space stands before it."""

    def __init__(self, action: str) -> None:
        self._tokens: list[tuple[str, str, bool]] = []
        at, is_apart = 0, True
        while at < len(action):
            match = _TOKEN.match(action, at)
            if match is None:
                raise NotATemplateError
            kind = str(match.lastgroup)
            if kind != "space":
                self._tokens.append((kind, match[0], is_apart))
            is_apart = kind == "space"
            at = match.end()
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._tokens)

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at][:2] if at < len(self._tokens) else ("", "")

    def next(self) -> tuple[str, str]:
        found = self.peek()
        self._at += 1
        return found

    def verb(self) -> str:
        """Take the word that begins an action of another kind than a pipeline; else an empty text."""
        kind, text = self.peek()
        known = (*_VERBS, "end", "else", "define", "block", "template", "break", "continue")
        if kind == "word" and text in known:
            self._at += 1
            return text
        return ""

    def literal(self) -> str:
        kind, text = self.next()
        if kind != "text":
            raise NotATemplateError
        return _unquoted(text)

    def names(self) -> tuple[str, ...]:
        """Take the variables that a pipeline's value is assigned to."""
        names: list[str] = []
        at = 0
        while self.peek(at)[0] == "variable" and self.peek(at + 1)[1] in (",", ":=", "="):
            names.append(self.peek(at)[1])
            at += 2
            if self.peek(at - 1)[1] != ",":
                self._at += at
                return tuple(names)
        return ()

    def pipeline(self) -> Pipeline:
        """Take everything up to the end, or to a closing parenthesis."""
        commands: list[tuple[Operand, ...]] = []
        operands: list[Operand] = []
        while not self.is_done and self.peek()[1] != ")":
            if self.peek() == ("sign", "|"):
                self.next()
                commands.append(tuple(operands))
                operands = []
            else:
                operands.append(self._operand())
        commands.append(tuple(operands))
        if not all(commands):
            raise NotATemplateError
        return Pipeline(tuple(commands))

    def _operand(self) -> Operand:
        kind, text = self.next()
        found: Operand
        if kind == "text":
            found = Text(_unquoted(text))
        elif kind == "dot":
            found = Dot()
        elif kind == "key":
            found = Chain(Dot(), (text[1:],))
        elif kind == "variable":
            found = Variable(text)
        elif kind == "other" or text in _CONSTANTS:
            found = Other()
        elif kind == "word":
            found = Function(text)
        elif text == "(":
            found = self.pipeline()
            if self.next() != ("sign", ")"):
                raise NotATemplateError
        else:
            raise NotATemplateError
        keys = []
        while not self.is_done and self.peek()[0] == "key" and not self._tokens[self._at][2]:
            keys.append(self.next()[1][1:])
        if not keys:
            return found
        return Chain(found.of, (*found.keys, *keys)) if isinstance(found, Chain) else Chain(found, tuple(keys))


class _Parser:
    """The actions of a file, taken one after the other."""

    def __init__(self, actions: list[str]) -> None:
        self._actions = actions
        self._at = 0
        self._defined: list[tuple[str, tuple[Node, ...]]] = []

    def parsed(self) -> Parsed:
        body, words, verb = self._nodes()
        if words is not None or verb:
            raise NotATemplateError
        return Parsed(body, tuple(self._defined))

    def _nodes(self) -> tuple[tuple[Node, ...], _Words | None, str]:
        """Take nodes up to an `end` or `else`, and return these with the rest of that action."""
        nodes: list[Node] = []
        while self._at < len(self._actions):
            words = _Words(self._actions[self._at])
            self._at += 1
            verb = words.verb()
            if verb in ("end", "else"):
                return tuple(nodes), words, verb
            if verb in _VERBS:
                nodes.append(self._block(verb, words))
            elif verb in ("define", "block"):
                name = words.literal()
                if verb == "block":
                    nodes.append(Call(name, words.pipeline()))
                self._defined.append((name, self._closed()))
            elif verb == "template":
                name = words.literal()
                nodes.append(Call(name, None if words.is_done else words.pipeline()))
            elif not verb and not words.is_done:
                names = words.names()
                nodes.append(Action(names, words.pipeline()))
        return tuple(nodes), None, ""

    def _block(self, verb: str, words: _Words) -> Block:
        names = words.names()
        pipeline = words.pipeline()
        body, rest, last = self._nodes()
        other: tuple[Node, ...] = ()
        if last == "else" and rest is not None and (chained := rest.verb()):
            other = (self._block(chained, rest),)
        elif last == "else":
            other = self._closed()
        elif last != "end":
            raise NotATemplateError
        return Block(verb, names, pipeline, body, other)

    def _closed(self) -> tuple[Node, ...]:
        body, _, last = self._nodes()
        if last != "end":
            raise NotATemplateError
        return body


def _unquoted(text: str) -> str:
    """Return the text of a literal; an escape that no name has may be another character."""
    return text[1:-1] if text[0] == "`" else _ESCAPE.sub(_character, text[1:-1])


def _character(escape: re.Match[str]) -> str:
    sign, digits = escape[1][0], escape[1][1:]
    if not digits:
        return sign
    number = int(digits, 16) if sign in "xuU" else int(escape[1], 8)
    return chr(number) if number <= sys.maxunicode else ""
