"""Go templates as text: their actions, and the names of files in them that can be told before they run.

Nothing is evaluated here but the name of the environment, which is known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAND_IN = "(template)"  # of an action, where a template is read without executing it

_LITERAL = r"\"(?:\\.|[^\"\\\n])*\"|`[^`]*`|'(?:\\.|[^'\\\n])*'"
_ACTION = re.compile(rf"\{{\{{(?:-?\s*/\*.*?\*/\s*-?|((?:{_LITERAL}|[^\"'`])*?))\}}\}}", re.DOTALL)
_ENVIRONMENT = re.compile(r"\{\{-?\s*(?:`\{\{-?\s*)?\$?\.Environment\.Name\s*(?:-?\}\}`\s*)?-?\}\}")
_PRINTF = re.compile(r"\bprintf\s+\"([^\"\\\n]*)\"((?:\s+\$?\.Environment\.Name\b)+)")
_READ_FILE = re.compile(rf"(?<![.\w$])readFile\s+(?:({_LITERAL})|\(\s*({_LITERAL})\s*\))|{_LITERAL}")
_FUNCTION = re.compile(r"(?<![.\w$])(exec|envExec|readFile|readDir|readDirEntries|getHostByName)\b")


class Call(NamedTuple):
    """A call of a function that reaches beyond the template: its name, and its line (from 1)."""

    function: str
    line: int


def settled(text: str, environment: str) -> str:
    """Return the text with the name of the environment in the place of what stands for it."""

    def printed(found: re.Match[str]) -> str:
        parts = found[1].split("%s")
        names = found[2].split()
        return f'"{environment.join(parts)}"' if len(parts) == len(names) + 1 else found[0]

    return _PRINTF.sub(printed, _ENVIRONMENT.sub(lambda _: environment, text))


def inlined(text: str, environment: str, read: Callable[[str], str | None]) -> str:
    """Return a template with the content of files where `readFile` names them; without one, it fails when executed.

    So helmfile's own `readFile`, which reads any file, can stay disabled.
    """

    def replaced(found: re.Match[str]) -> str:
        literal = found[1] or found[2]
        if not literal:
            return found[0]
        content = read(literal[1:-1])
        missing = f"readFile names {literal[1:-1]}, and there is no such file"
        return f"(fail {_quoted(missing)})" if content is None else f"({_quoted(content)})"

    def action(found: re.Match[str]) -> str:
        if found[1] is None or "readFile" not in found[1]:
            return found[0]
        return f"{{{{{_READ_FILE.sub(replaced, settled(found[1], environment))}}}}}"

    return _ACTION.sub(action, text)


def calls(text: str) -> Iterator[Call]:
    """Yield the calls in a template, and in the texts that it has for templates that are executed later."""
    for found in _ACTION.finditer(text):
        for call in _calls_in(found[1] or ""):
            yield call._replace(line=call.line + text.count("\n", 0, found.start()))


def _calls_in(code: str) -> Iterator[Call]:
    for literal in re.finditer(_LITERAL, code):
        if "{{" in literal[0]:
            for call in calls(literal[0][1:-1].replace('\\"', '"')):
                yield call._replace(line=call.line + code.count("\n", 0, literal.start()))
    blank = re.sub(_LITERAL, lambda literal: re.sub(r"[^\n]", '"', literal[0]), code)
    for found in _FUNCTION.finditer(blank):
        yield Call(found[1], 1 + blank.count("\n", 0, found.start()))


def outline(text: str) -> str:
    """Return what is left of a template that makes YAML when it is not executed: mostly YAML of the same lines."""

    def stand_in(found: re.Match[str]) -> str:
        lines = "\n" * found[0].count("\n")
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        rest = text[found.end() :].partition("\n")[0]
        is_alone = not line.strip() and not rest.strip()
        return lines if is_alone else f"{STAND_IN}{lines}"

    return _ACTION.sub(stand_in, text)


def _quoted(content: str) -> str:
    import json  # noqa: PLC0415  # few helmfiles read files

    return json.dumps(content, ensure_ascii=False)  # Go reads such a text alike
