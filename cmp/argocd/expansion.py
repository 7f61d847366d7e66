"""The texts of the parameters `set`, `set-string` and `set-template` as an engine gets them.

In all three the build environment of Argo CD is replaced, as its built-in Helm does it in the values of parameters:
`$ARGOCD_APP_NAME` and the like.  Every other `$` stays, where the built-in leaves nothing of an unknown name.  The
values of `set-template` alone have placeholders such as `{cluster}`: in the others braces are Helm's, or Grafana's.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.environ import application_variables
from cmp.errors import ConfigError, suggestion
from cmp.model import NEUTRAL_REVISION

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cmp.model import BuildEnv, Parameters

    Pairs = tuple[tuple[str, str], ...]

# Texts, which `re` compiles for the few parameters with a `$` or a brace.  A name is as long as it can be, as for Go's
# os.Expand.  `{{name}}` is somebody else's, a template with braces in it too; `{{cluster},{app}}` is a list of Helm.
_VARIABLE = r"(?<!\$)(?P<dollars>\$+)(?:\{(?P<braced>ARGOCD_APP_[A-Z0-9_]+)\}|(?P<bare>ARGOCD_APP_[A-Za-z0-9_]+))"
_BRACES = r"\{\{(?!\w+\}(?!\}))(?:[^{}]|\{[^{}]*\})*\}\}|\{(?P<placeholder>\w+)\}"

_MAY_MATCH = frozenset("${")


class Placeholders(NamedTuple):
    """The values of placeholders for a pair, the names that any cluster knows, and whose they are, for messages."""

    known: Mapping[str, str]
    names: Collection[str]
    whose: str


class Expansion(NamedTuple):
    """The parameters with their texts replaced, and warnings about what Argo CD alone knows."""

    parameters: Parameters
    warnings: tuple[str, ...]


def expand(parameters: Parameters, placeholders: Placeholders, env: BuildEnv, *, is_set_literal: bool) -> Expansion:
    """Replace variables and placeholders.

    ConfigError for a placeholder that nothing fills; unless `is_set_literal` also for one of ours in a value of `set`
    and `set-string`, which 0.1 filled.
    """
    if not is_set_literal:
        for name, pairs in (("set", parameters.set_values), ("set-string", parameters.set_strings)):
            _refuse_placeholders(name, pairs, placeholders)
    texts = _Texts(env, placeholders)
    expanded = parameters._replace(
        set_values=texts.replaced(_VARIABLE, "set", parameters.set_values),
        set_strings=texts.replaced(_VARIABLE, "set-string", parameters.set_strings),
        set_templates=texts.replaced(f"{_VARIABLE}|{_BRACES}", "set-template", parameters.set_templates),
    )
    return Expansion(expanded, tuple(texts.warnings))


class _Texts:
    """The replacement of variables and placeholders; `warnings` tell of what a checkout does not know."""

    def __init__(self, env: BuildEnv, placeholders: Placeholders) -> None:
        self._variables = application_variables(env)
        self._has_application = bool(env.app_name)
        self._knows_commit = env.revision != NEUTRAL_REVISION
        self._placeholders = placeholders
        self.warnings: dict[str, None] = {}

    def replaced(self, pattern: str, name: str, pairs: Pairs) -> Pairs:
        """Return the pairs of a parameter with all that the pattern matches replaced."""
        return tuple(
            (key, re.sub(pattern, partial(self._replacement, f"{name} {key}"), text) if _MAY_MATCH & {*text} else text)
            for key, text in pairs
        )

    def _replacement(self, place: str, match: re.Match[str]) -> str:
        found = match.groupdict()
        if variable := found["braced"] or found["bare"]:
            return self._variable(variable, place, match)
        if placeholder := found.get("placeholder"):
            return self._placeholder(placeholder, place)
        return match[0]

    def _variable(self, name: str, place: str, match: re.Match[str]) -> str:
        """Return the value of a variable behind half of the `$` before it: for Argo CD two of them are one."""
        dollars = len(match["dollars"])
        if name not in self._variables:
            return match[0]
        if dollars % 2 == 0:
            return match[0][dollars // 2 :]
        return "$" * (dollars // 2) + self._value(name, place)

    def _value(self, name: str, place: str) -> str:
        if not self._has_application:
            self.warnings[f"Argo CD replaces ${name} in {place}; here its name stands for it"] = None
            return name
        if name.startswith("ARGOCD_APP_REVISION") and not self._knows_commit:
            self.warnings[f"Argo CD puts the commit for ${name} in {place}; here zeros stand for it"] = None
        return self._variables[name]

    def _placeholder(self, name: str, place: str) -> str:
        known = self._placeholders.known
        if name not in known:
            raise ConfigError(
                f"{{{name}}} in the value of {place} is not known {self._placeholders.whose}",
                hint=suggestion(name, known),
            )
        return known[name]


def _refuse_placeholders(name: str, pairs: Pairs, placeholders: Placeholders) -> None:
    ours = {*placeholders.known, *placeholders.names}
    for key, text in pairs:
        for match in re.finditer(_BRACES, text) if "{" in text else ():
            if match["placeholder"] in ours:
                raise ConfigError(
                    f"{{{match['placeholder']}}} in the value of {name} {key} is a placeholder, and only set-template "
                    "fills those",
                    hint="name it in set-template (--set-template) instead; a text that is meant as it is stays so "
                    'with `requires: ">=0.2"` in cmp.yaml',
                )
