"""A Go template of the controller -> one that prints the same in Helm, or an error that names the difference.

Helm does not know that a missing key may be an error, has not all functions, and gets each map as a map of anything.
Source: argoproj/argo-cd 3.2, applicationset/utils, and gosimple/slug 1.15 for what `SanitizeName` leaves to it.

Both have Go's own functions and sprig's.  Left out, so that a set that uses one is an error, are those that

- the controller has not: `env`, `expandenv`, `getHostByName`, and Helm's own (`include`, `tpl`, `lookup`, …);
- answer differently in Helm: `fromYaml` (an error is a value there), `typeOf` (the types of parameters are no secret of
  Go's types there);
- answer differently each time: the date, random numbers, keys and certificates;
- change their arguments, which the other fields of a template would see: `set`, `merge`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.sets.gotypes import Maps, last

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`)
    | (?P<path>\$\w*(?:\.[^\W\d]\w*)*|(?:\.[^\W\d]\w*)+|\.(?!\d))
    | (?P<word>[^\W\d]\w*)
    | (?P<other>[-+]?[\d.][\w.+-]*|'(?:\\.|[^'\\\n])*'|:=|[=,])
    | (?P<pipe>\|)
    | (?P<open>\()
    | (?P<close>\))
    """,
    re.VERBOSE,
)
_COMMENT = re.compile(r"\{\{(?:-\s)?\s*/\*.*?\*/\s*(?:\s-)?\}\}", re.DOTALL)
_TRIMS = re.compile(r"\{\{-\s")
_RIGHT = re.compile(r"(?:\s-)?\}\}")
_SLUG = ' | include "cmp.slugify"'
OPENING = ("if", "range", "with")
_BLOCKS = ("block", "define", "template")
_KEYWORDS = frozenset((*OPENING, "else", "end", "break", "continue", "nil", "true", "false"))


_NAMES = """
    and call eq ge gt html index js le len lt ne not or print printf println slice urlquery

    abbrev abbrevboth camelcase cat contains hasPrefix hasSuffix indent initials kebabcase lower nindent nospace plural
    quote repeat replace snakecase squote substr swapcase title toString trim trimAll trimPrefix trimSuffix trimall
    trunc untitle upper wrap wrapWith

    add add1 add1f addf atoi biggest ceil div divf float64 floor int int64 max maxf min minf mod mul mulf round seq sub
    subf toDecimal until untilStep

    all any coalesce compact default empty fail mustCompact ternary kindIs kindOf

    append chunk concat first has initial join last list mustAppend mustChunk mustFirst mustHas mustInitial mustLast
    mustPrepend mustPush mustRest mustReverse mustSlice mustUniq mustWithout prepend push rest reverse sortAlpha split
    splitList splitn toStrings tuple uniq without

    dict dig get hasKey keys omit pick pluck values

    mustFromJson mustToJson mustToPrettyJson mustToRawJson toJson toPrettyJson toRawJson toYaml

    adler32sum b32dec b32enc b64dec b64enc sha1sum sha256sum sha512sum

    base clean dir ext isAbs osBase osClean osDir osExt osIsAbs urlJoin urlParse

    mustRegexFind mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit
    regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit

    semver semverCompare
"""
_FUNCTIONS = frozenset(_NAMES.split())
_OF_MAPS = frozenset(("dig", "get", "hasKey", "keys", "omit", "pick", "pluck", "values"))  # no `map[string]string`
# Functions of the controller, and the calls that stand for them in Helm.
_CALLS = {
    "normalize": 'include "cmp.normalize"',
    "fromJson": "mustFromJson",  # Helm has another of that name; this one refuses what the controller takes for null
}
# Templates for functions of the controller: `normalize`, `slugify`, and a missing key that is an error.
HELPERS = r"""
{{- define "cmp.has" }}
{{- $at := first . }}
{{- range rest . }}
{{- if not (kindIs "map" $at) }}{{ fail (printf "there is no parameter %s" .) }}{{ end }}
{{- $map := $at }}
{{- if typeIs "map[string]string" $at }}{{ $map = $at | toJson | mustFromJson }}{{ end }}
{{- if not (hasKey $map .) }}{{ fail (printf "there is no parameter %s" .) }}{{ end }}
{{- $at = index $at . }}
{{- end }}
{{- end }}

{{- define "cmp.map" }}
{{- if not (kindIs "map" .) }}{{ fail "index of what is no map" }}{{ end }}
{{- end }}

{{- define "cmp.normalize" }}
{{- regexReplaceAll "[^-a-z0-9.]" (lower .) "-" | trunc 253 | trimAll "-." }}
{{- end }}

{{- define "cmp.slugify" }}
{{- $name := last . }}{{ $size := 50 }}{{ $smart := true }}
{{- if gt (len .) 1 }}{{ $size = first . }}{{ end }}
{{- if gt (len .) 2 }}{{ $smart = index . 1 }}{{ end }}
{{- if not (and (le (len .) 3) (kindIs "string" $name) (kindIs "int" $size) (kindIs "bool" $smart) (ge $size 0)) }}
{{- fail "slugify takes a length, true or false, and a text" }}
{{- end }}
{{- $slug := include "cmp.normalize" $name }}
{{- if not $smart }}{{ $slug = trunc $size $slug }}{{ end }}
{{- $slug = regexReplaceAll "-+" (replace "." "-" $slug) "-" | trimAll "-" }}
{{- if and $smart (gt $size 0) (gt (len $slug) $size) }}
{{- $head := trunc (int (add1 $size)) $slug }}
{{- $slug = ternary (regexReplaceAll "-[^-]*$" $head "") (trunc $size $slug) (contains "-" $head) }}
{{- end }}
{{- $slug }}
{{- end }}
"""


class RefusedError(ValueError):
    """Why a template cannot be read statically, as the end of a sentence about it."""


class Token(NamedTuple):
    """A token of an action: the name of its group in `_TOKEN`, and its text."""

    kind: str
    text: str


_NOTHING = (Token("", ""), Token("", ""))


@lru_cache(maxsize=4096)
def translate(text: str, maps: Maps, *, is_strict: bool) -> str:
    """Return the template for Helm; RefusedError when that would not print the same.

    `maps` are where the parameters have maps of texts: there Helm has a map of anything.
    """
    split = list(pieces(text))
    actions = [piece for piece in split if not isinstance(piece, str)]
    _refuse_unbalanced(actions)
    _refuse_unlike_maps([token for action in actions for token in action], maps)
    return "".join(
        piece if isinstance(piece, str) else "".join(_translated(piece, maps, is_strict=is_strict)) for piece in split
    )


def pieces(text: str) -> Iterator[str | list[Token]]:
    """Yield text (with braces and comments) and the tokens of actions, in turn."""
    start = 0
    while (opening := text.find("{{", start)) >= 0:
        yield text[start:opening]
        if comment := _COMMENT.match(text, opening):
            yield comment[0]
            start = comment.end()
            continue
        left = "{{-" if _TRIMS.match(text, opening) else "{{"
        tokens, right = _action(text, opening + len(left))
        yield from (left, tokens, right[0])
        start = right.end()
    yield text[start:]


def _action(text: str, at: int) -> tuple[list[Token], re.Match[str]]:
    """Return the tokens of an action and the match of its end."""
    tokens: list[Token] = []
    while not (right := _RIGHT.match(text, at)):
        token = _TOKEN.match(text, at)
        if at == len(text):
            raise RefusedError("an action has no end")
        if not token:
            raise RefusedError(f"`{text[at : at + 20]}` is no Go template")
        tokens.append(Token(str(token.lastgroup), token[0]))
        at = token.end()
    return tokens, right


def _refuse_unbalanced(actions: list[list[Token]]) -> None:
    depth = 0
    for tokens in actions:
        first = next((token.text for token in tokens if token.kind != "space"), "")
        if first in _BLOCKS:
            raise RefusedError(f"`{first}` is not read")
        depth += (first in OPENING) - (first == "end")
        if depth < 0:
            raise RefusedError("an `end` has no beginning")
    if depth:
        raise RefusedError("a block has no end")


def _translated(tokens: list[Token], maps: Maps, *, is_strict: bool) -> Iterator[str]:
    slugs = [False]  # whether the command is one of `slugify`; one more for each parenthesis
    before = Token("space", "")
    is_indexed = False  # whether a map of texts comes next, of which a key is wanted
    for index, token in enumerate(tokens):
        if slugs[-1] and token.kind in ("pipe", "close"):
            yield _SLUG
        slugs = _nested(slugs, token)
        if token.kind == "path":
            path = _path(token.text, before, is_strict=is_strict)
            yield f'(ternary {path} "" (include "cmp.map" {path} | empty))' if is_indexed else path
            is_indexed = False
        elif token.kind != "word" or token.text in _KEYWORDS:
            yield token.text
        elif token.text == "slugify":
            slugs[-1] = True
            yield "list"
        else:
            is_indexed = _is_of_texts(tokens[index:], maps)
            yield "get" if is_indexed else _function(token.text)
        before = token
    if slugs[-1]:
        yield _SLUG


def _nested(slugs: list[bool], token: Token) -> list[bool]:
    if token.kind == "open":
        return [*slugs, False]
    if token.kind == "close":
        if len(slugs) == 1:
            raise RefusedError("a parenthesis is closed that was not opened")
        return slugs[:-1]
    return [*slugs[:-1], False] if token.kind == "pipe" else slugs


def _path(path: str, before: Token, *, is_strict: bool) -> str:
    """Return an expression for the value under a path, as the controller sees it when a key is missing.

    Helm takes `.gone` for nothing and `.gone.key` for an error, which is neither of the controller's two ways.
    """
    head, *keys = path.split(".")
    is_of_expression = before.kind in ("close", "word", "string")
    if path == "." or not keys:
        return path
    listed = " ".join(f'"{key}"' for key in keys)
    if is_strict:
        if is_of_expression:
            raise RefusedError(f"a field of an expression (`{path}`) is not read with `missingkey=error`")
        return f'(ternary {path} "" (include "cmp.has" (list {head or "."} {listed}) | empty))'
    is_safe = len(keys) == 1 or is_of_expression
    return path if is_safe else f"(dig {listed} nil {head or '.'})"


def _function(name: str) -> str:
    if name in _CALLS:
        return _CALLS[name]
    if name not in _FUNCTIONS:
        raise RefusedError(f"the function `{name}` is not read")
    return name


def _is_of_texts(tokens: list[Token], maps: Maps) -> bool:
    """Say whether these tokens begin with `index .path.to.texts key`: where that key is missing, `get` prints nothing.

    The path may begin anywhere: in a `with`, say.
    """
    word, operand = [token for token in (*tokens, *_NOTHING) if token.kind != "space"][:2]
    if word.text != "index" or operand.kind != "path" or "." not in operand.text.rstrip("."):
        return False
    path = operand.text[operand.text.index(".") :]
    is_of_texts = any(known.endswith(path) for known in maps.of_texts)
    if is_of_texts and any(known.endswith(path) for known in maps.others):
        raise RefusedError(f"the function `index` is not read of `{path}`, which is one of several maps")
    return is_of_texts


def _refuse_unlike_maps(tokens: list[Token], maps: Maps) -> None:
    """Refuse functions that treat a map of texts in another way, where it may be one that they get."""
    words = [token for token in tokens if token.kind != "space"]
    used = {token.text for token in words if token.kind == "word"}
    named = {last(token.text) for token in words if token.kind == "path"}
    quoted = {token.text[1:-1] for token in words if token.kind == "string"}
    if any("%T" in text or "%#" in text for text in quoted):
        raise RefusedError("`%T` and `%#v` are not read: Helm has other Go types")
    indexed = {after.text for word, after in pairwise(words) if word.text == "index"}
    is_blind = any("." not in operand or operand == "." for operand in indexed)  # a variable, say: who knows of what
    for name in sorted(maps.names):
        asked = sorted((used & _OF_MAPS) - (set() if name in named else {"hasKey"}))
        if asked and name in named | quoted:
            raise RefusedError(f"the function `{asked[0]}` is not read beside `{name}`, which it refuses in Argo CD")
        if indexed and (name in quoted or (is_blind and name in named)):
            raise RefusedError(f"the function `index` is read of `{name}` only where both stand together")
