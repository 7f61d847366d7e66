"""Go templates that may meet a missing parameter: `values` of the second generator of a matrix.

The controller evaluates these with the parameters of the first generator, and a text that meets a missing one stays a
template, for the parameters of its own generator.
Source: argoproj/argo-cd 3.6, RenderGeneratorParams in applicationset/utils/utils.go; Argo CD before 3.4 knows no such
texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.argocd.sets.gotemplate import OPENING, RefusedError, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.argocd.sets.gotemplate import Token
    from cmp.argocd.sets.gotypes import Parameters

_SHORT_CIRCUITS = ("and", "or")


def lacks(text: str, parameters: Parameters) -> bool:
    """Say whether an evaluation of a template meets a missing parameter.

    RefusedError where that depends on a condition.  A path below a `with` or `range` counts as present.
    """
    missing = [(path, is_certain) for path, is_certain in _paths(text) if _is_missing(path, parameters)]
    if any(is_certain for _, is_certain in missing):
        return True
    if missing:
        raise RefusedError(f"only a condition tells whether `{missing[0][0]}` is missed")
    return False


def _paths(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the paths that start at the top of the parameters, and whether each is surely evaluated."""
    blocks: list[str] = []
    for tokens in pieces(text):
        if isinstance(tokens, str):
            continue
        words = [token for token in tokens if token.kind != "space"]
        first = words[0].text if words else ""
        yield from _of_action(words, is_certain=not blocks, has_root=not {"with", "range"} & {*blocks})
        if first in OPENING:
            blocks.append(first)
        elif first == "end" and blocks:
            blocks.pop()


def _of_action(words: list[Token], *, is_certain: bool, has_root: bool) -> Iterator[tuple[str, bool]]:
    before = ""
    for token in words:
        if token.text in _SHORT_CIRCUITS:
            is_certain = False
        head, *keys = token.text.split(".")
        is_field = before == "close"  # of an expression
        if token.kind == "path" and any(keys) and not is_field and (head == "$" or (not head and has_root)):
            yield token.text, is_certain
        before = token.kind


def _is_missing(path: str, parameters: Parameters) -> bool:
    """Say whether Go finds no such key, or a value that has no keys; below nil it finds an error of another kind."""
    at: object = parameters
    for key in path.split(".")[1:]:
        if at is None:
            return False
        if not isinstance(at, dict) or key not in at:
            return True
        at = at[key]
    return False
