"""A call of cue: its arguments, from the options of the instance and its cluster's facts, and its error messages."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines import placeholders
from cmp.engines.registry import CueOptions
from cmp.engines.stderr import indented, unexplained
from cmp.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from cmp.model import Instance, Tool
    from cmp.system.process import Result

VALUES = "values"  # the field of the package that the layers become
CHECKED = "CMP_VALUES"  # the field in which cue looks at the values
LAYER = "cmp-values-{:03}.yaml"  # the name of a values layer in the call

_NAME = re.compile(r"[A-Za-z_]\w*")

_LAYER_PATH = re.compile(r"[^\s\"]*cmp-values-(\d{3})\.yaml")
_RELATIVE_PATH = re.compile(r"(?<![^\s\"'(])\.\.?/[^\s:\"]*")
_EXPRESSION_POSITION = re.compile(r"\n +--expression:[\d:]+")
_PLACE = re.compile(r"\n(?: +(\S[^\n]*?):(\d+):\d+$|(\S+?):(\d+): )", re.MULTILINE)
_OWN_CONTEXT = re.compile(r"error in call to encoding/yaml\.MarshalStream: |^\S+@v\d+: (?=import failed)", re.MULTILINE)
_UNDECLARED_TAG = re.compile(r"^no tag for \"([^\"]+)\"$", re.MULTILINE)

_OVERLAP = (
    "for cue, values files add up and none overrides another: a value that differs between clusters stands in the "
    "files of the clusters only, or as a default (*) in the package"
)
_VENDOR = (
    "nothing is fetched while rendering: copy the package to cue.mod/pkg/{0}, and name its module no longer in `deps` "
    "of cue.mod/module.cue"
)
_HINTS = (
    (r"reference \"[^\"]*\" not found$", "`cue: {{expression: …}}` in cmp-app.yaml names what is exported"),
    (r"cannot range over ", "what `expression` of cmp-app.yaml names must be a list of objects, or a map of them"),
    (r"^no tag for \"(.+?)\"", "no file of the package has @tag({0}): correct `tags`, or the parameter set"),
    (r"^build constraints exclude all ", "the files of a package begin with `package NAME`"),
    (r"^found packages ", "`cue: {{package: …}}` in cmp-app.yaml chooses one"),
    (r"not in a module|no cue\.mod/module\.cue", "`cue mod init` makes the folder cue.mod: at the root, for instance"),
    (r"cannot (?:find module providing package|fetch) ([^\s:@]+)", _VENDOR),
)


class Call(NamedTuple):
    """One call of cue: the expression of a package that it exports, or its command; and the tags.

    `given` are tags of the options and of parameters, `known` those that the package declares and that have the name of
    a fact of the instance.
    """

    expression: str
    package: str
    command: str
    given: Mapping[str, str]
    known: Mapping[str, str]

    def without(self, tag: str) -> Call:
        """Return the call without a known tag."""
        return self._replace(known={name: value for name, value in self.known.items() if name != tag})

    def arguments(self, layers: Collection[str], *, as_json: bool = False) -> Iterator[str]:
        """Yield the arguments; cue exports a stream of YAML, or one list as JSON."""
        package = f".:{self.package}" if self.package else "."
        if self.command:
            yield from ("cmd", self.command, package)
        else:
            objects = f"[{', '.join(self._elements(has_layers=bool(layers)))}]"
            yield from ("export", package, *layers, *(("--path", f"{VALUES}:") if layers else ()))
            yield from ("--expression", objects if as_json else f"yaml.MarshalStream({objects})")
            yield from ("--out", "json" if as_json else "text")
        for name, value in {**self.known, **self.given}.items():
            yield from ("--inject", f"{name}={value}")

    def _elements(self, *, has_layers: bool) -> Iterator[str]:
        """Yield the elements of the list of objects, in CUE.

        cue checks only what it exports: the values are part of that where they are wrong, used or not.
        """
        if has_layers:
            yield f"if {VALUES} == _|_ {{{CHECKED}: {VALUES}}}"
        yield f"for object in ({self.expression}) {{object}}"  # the elements of a list, or the fields of a map


def call_for(instance: Instance, declared: Collection[str]) -> Call:
    """Return the call for an instance whose package declares these tags; ConfigError for an invalid command."""
    options = CueOptions(instance.options)
    if options.command and not _NAME.fullmatch(options.command):
        raise ConfigError("cue.command is not the name of a command", hint="a name has letters, digits and `_`")
    tags = {
        name: placeholders.filled(value, f"the value of the tag {name}", instance)
        for name, value in options.tags.items()
    }
    return Call(
        expression=options.expression,
        package=options.package,
        command=options.command,
        given={**tags, **dict(instance.parameters.set_pairs)},
        known={name: value for name, value in instance.placeholders.items() if name in declared},
    )


class Paths(NamedTuple):
    """The private folder that stands for the root of the tree, the folder in it where cue runs, and the layers."""

    root: str
    folder: str
    layers: tuple[str, ...]


def translated(stderr: bytes, paths: Paths, expression: str) -> str:
    """Return cue's message with the repository's names, and without the fields and expressions of this module."""
    message = stderr.decode(errors="replace").replace(f"{paths.root}/", "").strip()
    message = _LAYER_PATH.sub(lambda match: paths.layers[int(match[1])], message)
    message = _RELATIVE_PATH.sub(lambda match: os.path.normpath(f"{paths.folder}/{match[0]}"), message)
    message = _OWN_CONTEXT.sub("", _EXPRESSION_POSITION.sub("", message))
    message = re.sub(rf"^\d+\.{CHECKED}\b", "values", message, flags=re.MULTILINE)
    return re.sub(r"^(\d+)(?=[.:])", lambda match: f"{expression}[{match[1]}]", message, flags=re.MULTILINE)


def undeclared_tag(result: Result) -> str:
    """Return the tag that cue misses in the package; empty where it failed for another reason, or not at all."""
    match = _UNDECLARED_TAG.search(result.stderr.decode(errors="replace")) if result.returncode else None
    return match[1] if match else ""


def error_of(tool: Tool, status: int, message: str, layers: tuple[str, ...]) -> EngineError:
    """Return cue's error with its first place and a hint; `message` is translated."""
    program = f"cue {tool.version}"
    if silent := unexplained(program, status, message):
        return silent
    first, *others = message.splitlines()
    places = [(match[1] or match[3], match[2] or match[4]) for match in _PLACE.finditer(f"\n{message}")]
    return EngineError(
        f"{program}: {indented(chr(10).join([first.rstrip(':'), *others]))}",
        file=":".join(places[0]) if places else "",
        hint=_hint(message, [path for path, _ in places], layers),
    )


def _hint(message: str, files: list[str], layers: tuple[str, ...]) -> str:
    if "conflicting values" in message and len({*files} & {*layers}) > 1:
        return _OVERLAP
    first = message.partition("\n")[0].rstrip(":")
    for pattern, hint in _HINTS:
        if match := re.search(pattern, first):
            return hint.format(*match.groups())
    return ""
