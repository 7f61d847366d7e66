"""Go templates as text: their actions, and the names of files in them that are known before they run.

Nothing is evaluated here but the name of the environment, which is known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACEHOLDER = "(template)"  # of an action, where a template is read without executing it

VARIABLES = ("env", "expandenv")  # functions that read the environment

_LITERAL = r"\"(?:\\.|[^\"\\\n])*\"|`[^`]*`|'(?:\\.|[^'\\\n])*'"
_ACTION = re.compile(rf"\{{\{{(?:-?\s*/\*.*?\*/\s*-?|((?:{_LITERAL}|[^\"'`])*?))\}}\}}", re.DOTALL)
_ENVIRONMENT = re.compile(r"\{\{-?\s*(?:`\{\{-?\s*)?\$?\.Environment\.Name\s*(?:-?\}\}`\s*)?-?\}\}")
_PRINTF = re.compile(r"\bprintf\s+\"([^\"\\\n]*)\"((?:\s+\$?\.Environment\.Name\b)+)")
_READ_FILE = re.compile(rf"(?<![.\w$])readFile\s+(?:({_LITERAL})|\(\s*({_LITERAL})\s*\))|{_LITERAL}")
_FUNCTION = re.compile(r"(?<![.\w$])(exec|envExec|readFile|readDir|readDirEntries|getHostByName|env|expandenv)\b")
_NAME_BEHIND = re.compile(r"\s+(?:\"(\w+)\"|`(\w+)`)")
_NAME_BEFORE = re.compile(r"(?:\"(\w+)\"|`(\w+)`)\s*\|\s*$")


class Call(NamedTuple):
    """A call of a function that reaches beyond the template, and its line (from 1).

    `name` is that of the variable, for one of `VARIABLES`; empty where it is no literal.
    """

    function: str
    line: int
    name: str = ""


def with_environment(text: str, environment: str) -> str:
    """Return the text with the name of the environment in place of the actions that print it."""

    def printed(match: re.Match[str]) -> str:
        parts = match[1].split("%s")
        names = match[2].split()
        return f'"{environment.join(parts)}"' if len(parts) == len(names) + 1 else match[0]

    return _PRINTF.sub(printed, _ENVIRONMENT.sub(lambda _: environment, text))


def inlined(text: str, environment: str, read: Callable[[str], str | None]) -> str:
    """Return a template with the content of files in place of `readFile`; for a missing file it fails when executed.

    So helmfile's own `readFile`, which reads any file, can stay disabled.
    """

    def replaced(match: re.Match[str]) -> str:
        literal = match[1] or match[2]
        if not literal:
            return match[0]
        content = read(literal[1:-1])
        missing = f"readFile names {literal[1:-1]}, and there is no such file"
        return f"(fail {_quoted(missing)})" if content is None else f"({_quoted(content)})"

    def action(match: re.Match[str]) -> str:
        if match[1] is None or "readFile" not in match[1]:
            return match[0]
        return f"{{{{{_READ_FILE.sub(replaced, with_environment(match[1], environment))}}}}}"

    return _ACTION.sub(action, text)


def calls(text: str) -> Iterator[Call]:
    """Yield the calls in a template, and in the texts that it has for templates that are executed later."""
    for action in _ACTION.finditer(text):
        for call in _calls_in(action[1] or ""):
            yield call._replace(line=call.line + text.count("\n", 0, action.start()))


def _calls_in(code: str) -> Iterator[Call]:
    for literal in re.finditer(_LITERAL, code):
        if "{{" in literal[0]:
            for call in calls(literal[0][1:-1].replace('\\"', '"')):
                yield call._replace(line=call.line + code.count("\n", 0, literal.start()))
    blank = re.sub(_LITERAL, lambda literal: re.sub(r"[^\n]", '"', literal[0]), code)
    for function in _FUNCTION.finditer(blank):
        behind, before = _NAME_BEHIND.match(code, function.end()), _NAME_BEFORE.search(code, 0, function.start())
        named = behind or before
        name = (named[1] or named[2]) if named and function[1] in VARIABLES else ""
        yield Call(function[1], 1 + blank.count("\n", 0, function.start()), name)


def without_actions(text: str) -> str:
    """Return a template of YAML with placeholders in place of its actions: mostly YAML, of the same lines."""

    def placeholder(action: re.Match[str]) -> str:
        lines = "\n" * action[0].count("\n")
        before = text[text.rfind("\n", 0, action.start()) + 1 : action.start()]
        behind = text[action.end() :].partition("\n")[0]
        is_alone = not before.strip() and not behind.strip()
        return lines if is_alone else f"{PLACEHOLDER}{lines}"

    return _ACTION.sub(placeholder, text)


def _quoted(content: str) -> str:
    import json  # noqa: PLC0415  # few helmfiles read files

    return json.dumps(content, ensure_ascii=False)  # Go reads such a text alike
