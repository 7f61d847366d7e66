"""Go templates -> the values that they may read; what is not certain counts as read.

A template is followed with every context that it may be called with.  A value in it is the set of what it may be: the
context of a chart, a part of the values, a map that the template made, a text.  A field that is taken of a part is
another part; a part that a function gets, or that is printed or tested, is read with everything below it.

Source: text/template/exec.go of Go, Masterminds/sprig, and helm's pkg/engine.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cmp.render.values_use import syntax
from cmp.render.values_use.atoms import (
    ITEM,
    NOTHING,
    Atom,
    Literal,
    Made,
    Output,
    Part,
    Root,
    Siblings,
    TooMuchError,
    Value,
    holds_output,
    is_empty_map,
    is_fresh,
    items,
    list_of,
    map_of,
    path_of_template,
)
from cmp.render.values_use.syntax import (
    OPEN,
    Action,
    Block,
    Call,
    Chain,
    Dot,
    Function,
    NotATemplateError,
    Pipeline,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.render.values_use.syntax import Node, Operand
    from cmp.render.values_use.use import Path, Use

MOST_STEPS = 40_000  # operands and values that are looked at, within a second; the largest charts seen take half
MOST_DEPTH = 60  # of templates that call each other
VALUES, SUBCHARTS, FILES = "Values", "Subcharts", "Files"

_MERGES = ("merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite")
_UNIONS = ("coalesce", "ternary", "deepCopy", "mustDeepCopy", *_MERGES)


class _Scope:
    """The variables of one named template or file, each with everything that it may be."""

    def __init__(self, context: Value) -> None:
        self.variables: dict[str, Value] = {"$": context}
        self.is_changed = False

    def assign(self, name: str, value: Value) -> None:
        known = self.variables.get(name, NOTHING)
        if not value <= known:
            self.variables[name] = known | value
            self.is_changed = True


class Reader:
    """Follows the templates of a chart and its subcharts."""

    def __init__(self, use: Use) -> None:
        self._use = use
        self._defined: dict[str, list[tuple[Node, ...]]] = defaultdict(list)
        self._files: dict[str, list[tuple[Node, ...]]] = defaultdict(list)
        self._seen: set[tuple[str, Value]] = set()
        self._steps = 0
        self._depth = 0
        self._literals: set[str] = set()
        self._printed: set[str] = set()
        self._is_named = False  # while a named template is followed
        self._has_dynamic_output = False
        self.contexts: set[Value] = set()  # with which texts that no template holds are taken for templates
        self.has_files = False

    def add(self, name: str, text: str) -> tuple[Node, ...]:
        """Take a file of templates for what it defines, and return its own nodes."""
        parsed = syntax.parse(text)
        for defined, body in parsed.defined:
            self._defined[defined].append(body)
        self._files[name].append(parsed.body)
        return parsed.body

    def follow(self, body: tuple[Node, ...], context: Value) -> None:
        """Follow nodes with a context; TooMuchError where there is no end."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise TooMuchError
        scope = _Scope(context)
        for _ in range(10):
            scope.is_changed = False
            self._nodes(body, context, scope)
            if not scope.is_changed:
                break
        else:
            raise TooMuchError
        self._depth -= 1

    def follow_root(self, body: tuple[Node, ...], chart: Path) -> None:
        """Follow a file of a chart as helm does."""
        self.follow(body, frozenset({Root(chart)}))

    def follow_texts(self, texts: Iterable[str]) -> None:
        """Follow texts that `tpl` may get, and the literals of the templates that it may get."""
        known = {text for text in texts if OPEN in text}
        done: set[tuple[str, Value]] = set()
        while waiting := [
            (text, context)
            for context in self.contexts
            for text in known | self._literals
            if (text, context) not in done
        ]:
            for text, context in waiting:
                done.add((text, context))
                self._follow_text(text, context, is_literal=text in self._literals)
        if self._has_dynamic_output and any(OPEN in text for text in self._printed):
            raise TooMuchError

    # The nodes of a template

    def _nodes(self, nodes: Sequence[Node], dot: Value, scope: _Scope) -> None:
        for node in nodes:
            if isinstance(node, Action):
                self._action(node, dot, scope)
            elif isinstance(node, Block):
                self._block(node, dot, scope)
            elif isinstance(node, Call):
                context = self._pipeline(node.pipeline, dot, scope) if node.pipeline else NOTHING
                self._call(node.name, context)

    def _action(self, node: Action, dot: Value, scope: _Scope) -> None:
        value = self._pipeline(node.pipeline, dot, scope)
        for name in node.names:
            scope.assign(name, value)
        if not node.names:
            if self._is_named:
                self._printed.update(atom.text for atom in value if isinstance(atom, Literal))
            self._read(value)

    def _block(self, node: Block, dot: Value, scope: _Scope) -> None:
        value = self._pipeline(node.pipeline, dot, scope)
        inner = dot
        if node.verb == "range":
            self._read(frozenset(atom for atom in value if isinstance(atom, Root | Siblings | Part)))
            inner = items(value)
            for name in node.names[-1:]:
                scope.assign(name, inner)
            for name in node.names[:-1]:
                scope.assign(name, NOTHING)
        else:
            self._read_shallow(value)
            for name in node.names:
                scope.assign(name, value)
            if node.verb == "with":
                inner = value
        self._nodes(node.body, inner, scope)
        self._nodes(node.other, dot, scope)

    def _call(self, name: str, context: Value) -> None:
        if name not in self._defined and name not in self._files:
            self._read(context)  # the render fails: or the template is in a chart that is not here
            return
        if (name, context) in self._seen:
            return
        self._seen.add((name, context))
        was, self._is_named = self._is_named, True
        for body in (*self._defined.get(name, ()), *self._files.get(name, ())):
            self.follow(body, context)
        self._is_named = was

    # The values of its pipelines

    def _pipeline(self, pipeline: Pipeline, dot: Value, scope: _Scope) -> Value:
        value: Value | None = None
        for command in pipeline.commands:
            value = self._command(command, value, dot, scope)
        return value or NOTHING

    def _command(self, command: tuple[Operand, ...], piped: Value | None, dot: Value, scope: _Scope) -> Value:
        first, rest = command[0], command[1:]
        arguments = [self._operand(operand, dot, scope) for operand in rest]
        if piped is not None:
            arguments.append(piped)
        if isinstance(first, Function):
            self._literals.update(
                atom.text for value in arguments for atom in value if isinstance(atom, Literal) and OPEN in atom.text
            )
            return self._function(first.name, rest, arguments)
        value = self._operand(first, dot, scope)
        for argument in arguments:  # of a method, as in `.Files.Get "x"`
            self._read(argument)
        return value

    def _operand(self, operand: Operand, dot: Value, scope: _Scope) -> Value:
        self._count()
        if isinstance(operand, Dot):
            return dot
        if isinstance(operand, Variable):
            return scope.variables.get(operand.name, NOTHING)
        if isinstance(operand, Chain):
            value = self._operand(operand.of, dot, scope)
            for key in operand.keys:
                value = self._field(value, key)
            return value
        if isinstance(operand, Pipeline):
            return self._pipeline(operand, dot, scope)
        if isinstance(operand, Function):
            return self._function(operand.name, (), [])
        return frozenset({Literal(operand.value)}) if isinstance(operand, syntax.Text) else NOTHING

    def _count(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooMuchError

    def _field(self, value: Value, key: str) -> Value:
        """Return a field of a value, whose other fields are not read by that."""
        found: set[Atom] = set()
        for atom in value:
            if isinstance(atom, Root) and key == VALUES:
                found.add(Part(atom.chart))
            elif isinstance(atom, Root) and key == SUBCHARTS:
                found.add(Siblings(atom.chart))
            elif isinstance(atom, Root) and key == FILES:
                self.has_files = True
            elif isinstance(atom, Siblings):
                found.add(Root((*atom.chart, key)))
            elif isinstance(atom, Part):
                self._use.read(atom.path, whole=False)
                found.add(Part((*atom.path, key)))
            elif isinstance(atom, Made):
                found.update(value for name, of_key in atom.entries if name in (key, ITEM) for value in of_key)
        return frozenset(found)

    def _read(self, value: Value) -> None:
        """Mark everything that a value holds as read."""
        self._count()
        for atom in value:
            if isinstance(atom, Root | Siblings):
                self.has_files = True
                self._use.read(atom.chart)
            elif isinstance(atom, Part):
                self._use.read(atom.path)
            elif isinstance(atom, Made):
                for _, of_key in atom.entries:
                    self._read(of_key)

    def _read_shallow(self, value: Value) -> None:
        """Mark as read what decides whether a value is empty."""
        self._read(frozenset(atom for atom in value if isinstance(atom, Part)))

    # The functions: of all others every argument is read

    def _function(self, name: str, operands: Sequence[Operand], arguments: list[Value]) -> Value:
        method = getattr(self, f"_do_{_METHODS.get(name, name)}", None)
        if method is not None and arguments:
            found: Value = method(name, operands, arguments)
            return found
        return self._do_other(arguments)

    def _do_include(self, _: str, operands: Sequence[Operand], arguments: list[Value]) -> Value:
        context = arguments[1] if arguments[1:] else NOTHING
        names = arguments[0]
        if path := path_of_template(operands):
            for name in self._files:
                if name.endswith(path):
                    self._call(name, context)
            return frozenset({Output()})
        for atom in names:
            if isinstance(atom, Literal):
                self._call(atom.text, context)
        if not names or any(not isinstance(atom, Literal) for atom in names):
            self._read(names)
            for name in (*self._defined, *self._files):
                self._call(name, context)
        return frozenset({Output()})

    def _do_tpl(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        text, context = arguments[0], arguments[1] if arguments[1:] else NOTHING
        self._read(text)
        literals = [atom for atom in text if isinstance(atom, Literal)]
        for literal in literals:
            self._follow_text(literal.text, context, is_literal=True)
        self._has_dynamic_output |= holds_output(text)
        if not literals or len(literals) < len(text):
            self.contexts.add(context)
        return frozenset({Output()})

    def _follow_text(self, text: str, context: Value, *, is_literal: bool) -> None:
        if OPEN not in text or ("\0tpl" + text, context) in self._seen:
            return
        self._seen.add(("\0tpl" + text, context))
        nodes: Sequence[Node]
        try:
            parsed = syntax.parse(text)
            if parsed.defined:  # it may take the place of another
                raise TooMuchError
            nodes = parsed.body
        except NotATemplateError:
            try:
                nodes = syntax.fragments(text)
            except NotATemplateError:
                if is_literal:  # the rest of it is put in later, such as a key
                    raise TooMuchError from None
                return
        self.follow(tuple(nodes), context)

    def _do_dict(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        entries: list[tuple[str, Value]] = []
        for at in range(0, len(arguments) - 1, 2):
            self._read(arguments[at])
            names = [atom.text for atom in arguments[at] if isinstance(atom, Literal)] or [ITEM]
            entries += ((name, arguments[at + 1]) for name in names)
        return map_of(entries)

    def _do_list(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        return list_of(arguments)

    def _do_concat(self, name: str, _: Sequence[Operand], arguments: list[Value]) -> Value:
        for argument in arguments if name == "concat" else arguments[:1]:
            self._read_shallow(argument)
        if name == "concat":
            return list_of(map(items, arguments))
        return list_of([items(arguments[0]), *arguments[1:]])

    def _do_omit(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        for argument in arguments:
            self._read_shallow(argument)
        return arguments[0]

    def _do_first(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        self._read_shallow(arguments[-1])
        return items(arguments[-1])

    def _do_rest(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        """Return the list of which this is a part."""
        self._read_shallow(arguments[-1])
        return arguments[-1]

    def _do_index(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        return self._at(arguments[0], arguments[1:])

    def _do_get(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        return self._at(arguments[0], arguments[1:])

    def _do_hasKey(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:  # noqa: N802  # sprig's name
        self._touch(self._at(arguments[0], arguments[1:]))
        return NOTHING

    def _do_dig(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        if len(arguments) < 3:  # noqa: PLR2004  # a key, the default and the map
            return self._do_other(arguments)
        return self._at(arguments[-1], arguments[:-2]) | arguments[-2]

    def _do_pluck(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        found = [self._at(argument, arguments[:1]) for argument in arguments[1:]]
        for value in found:
            self._touch(value)
        return list_of(found)

    def _do_set(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        for argument in arguments[1:]:
            self._read(argument)
            self._has_dynamic_output |= holds_output(argument)
        self._touch(self._at(arguments[0], arguments[1:2]))
        return arguments[0]

    def _do_union(self, name: str, operands: Sequence[Operand], arguments: list[Value]) -> Value:
        """Return what one of several values is, or all of them merged."""
        if name in ("ternary", "coalesce"):
            for argument in arguments:
                self._read_shallow(argument)
        if name in _MERGES and not is_fresh(operands[:1]):  # what others hold is then in the first one, too
            for argument in arguments[1:]:
                self._read(argument)
        return frozenset[Atom]().union(*arguments)

    def _do_default(self, _: str, operands: Sequence[Operand], arguments: list[Value]) -> Value:
        if not is_empty_map(operands[:1]):
            for argument in arguments:
                self._read_shallow(argument)
        return frozenset[Atom]().union(*arguments)

    def _do_choice(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        for argument in arguments:
            self._read_shallow(argument)
        return frozenset[Atom]().union(*arguments)

    def _do_required(self, _: str, __: Sequence[Operand], arguments: list[Value]) -> Value:
        self._read_shallow(arguments[-1])
        return arguments[-1]

    def _do_other(self, arguments: Iterable[Value]) -> Value:
        result = NOTHING
        for argument in arguments:
            self._read(argument)
            if holds_output(argument):
                result = frozenset({Output()})
        return result

    def _at(self, value: Value, keys: Sequence[Value]) -> Value:
        """Return what is at some keys; a part that is taken by a key nobody knows is read as a whole."""
        for key in keys:
            names = [atom.text for atom in key if isinstance(atom, Literal)]
            self._read(key)
            if not names or len(names) < len(key):
                self._read(value)
                return items(value)
            value = frozenset[Atom]().union(*(self._field(value, name) for name in names))
        return value

    def _touch(self, value: Value) -> None:
        """Mark as read that a key is there."""
        for atom in value:
            if isinstance(atom, Part):
                self._use.read(atom.path, whole=False)


_METHODS: Mapping[str, str] = {
    **dict.fromkeys(_UNIONS, "union"),
    **dict.fromkeys(("or", "and"), "choice"),
    **dict.fromkeys(("tuple", "list"), "list"),
    **dict.fromkeys(("first", "mustFirst", "last", "mustLast"), "first"),
    **dict.fromkeys(("rest", "mustRest", "initial", "mustInitial", "reverse", "mustReverse"), "rest"),
    **dict.fromkeys(("append", "mustAppend", "prepend", "mustPrepend", "concat"), "concat"),
    "unset": "set",
}
