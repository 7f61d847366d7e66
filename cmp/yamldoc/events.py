"""libyaml's events of one document; texts that libyaml and go-yaml read differently are refused.

Events and not PyYAML's nodes: its composer refuses an anchor that is defined again, and recurses in C without a limit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError
from yaml.tokens import ScalarToken, TagToken

from cmp.errors import ToolError
from cmp.yamldoc.document import YamlError, body

if TYPE_CHECKING:
    from collections.abc import Callable

    # PyYAML's stubs know neither which event comes when nor which attributes are set on it.
    Event = Any
    Mark = Any

if not yaml.__with_libyaml__:
    raise ToolError(
        "PyYAML was built without libyaml",
        hint="install PyYAML from a wheel, or build it where libyaml and its headers are installed",
        is_external=True,
    )
from yaml._yaml import CParser  # exists only with libyaml

_T = TypeVar("_T")

# Bytes in which libyaml and go-yaml may differ: `\/`, `[!tag, a]`, a byte order mark.
_ESCAPED_SLASH, _BOM, _TAG_IN_BRACKETS = rb"\/", b"\xef\xbb\xbf", re.compile(rb"![^\s!,\[\]{}]*[,\[\]{}]")
_BOM_AT_LINE_START = re.compile("(?:\\A|[\n\r\x85\u2028\u2029])\ufeff")
_FLOW_INDICATORS = frozenset(",[]{}")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Events:
    """The events of one document, and errors with their place in the whole input."""

    def __init__(self, text: bytes, line: int) -> None:
        self._source, self._line = body(text, line)
        if self._source.startswith(_UTF16):
            raise YamlError("the text is not UTF-8", self._line, 1)
        self.next: Callable[[], Event] = CParser(self._source).get_event

    def line(self, event: Event) -> int:
        return self._line + int(event.start_mark.line)

    def error(self, problem: str, mark: Mark) -> YamlError:
        return YamlError(problem, self._line + mark.line, mark.column + 1)

    def guard(self, read: Callable[[], _T]) -> _T:
        """Call `read`; turn the errors of PyYAML into YamlError, which no other exception is the context of."""
        try:
            source = self._source
            if _ESCAPED_SLASH in source or source.rfind(_BOM) > 0 or _TAG_IN_BRACKETS.search(source):
                self._refuse_what_go_refuses()
            return read()
        except ReaderError as error:
            failure = self._unreadable(error)
        except MarkedYAMLError as error:
            failure = self.error(error.problem or "the text is not YAML", error.problem_mark)
        except UnicodeDecodeError:
            failure = YamlError("a tag is not UTF-8", self._line, 1)
        raise failure

    def _unreadable(self, error: ReaderError) -> YamlError:
        before = self._source[: error.position]
        start = before.rfind(b"\n") + 1
        column = len(before[start:].decode(errors="replace")) + 1
        return YamlError(str(error.reason), self._line + before.count(b"\n"), column)

    def _refuse_what_go_refuses(self) -> None:
        """Raise YamlError for a text that libyaml reads differently, or reads only since go-yaml was made from it."""
        text = self._source.decode(errors="replace").removeprefix("\ufeff")
        tokens = CParser(self._source)
        before = 0
        while token := tokens.get_token():
            start, end = token.start_mark.index, token.end_mark.index
            if mark := _BOM_AT_LINE_START.search(text, before, start + 1):
                line = self._line + text.count("\n", 0, mark.end())
                raise YamlError("a byte order mark inside the document", line, 1)
            if type(token) is TagToken and text[end : end + 1] in _FLOW_INDICATORS:
                raise self.error("did not find expected whitespace or line break", token.end_mark)
            if type(token) is ScalarToken and token.style == '"' and "/" in _ESCAPE.findall(text[start:end]):
                raise self.error("found unknown escape character", token.start_mark)
            before = end
