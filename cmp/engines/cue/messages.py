"""What cue says, in terms of the repository."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import EngineError

if TYPE_CHECKING:
    from cmp.model import Tool
    from cmp.system.process import Result

LAYER = "cmp-values-{:03}.yaml"  # how a values layer is called in front of cue
CHECKED = "CMP_VALUES"  # and the field in which the values are looked at

_LAYER = re.compile(r"[^\s\"]*cmp-values-(\d{3})\.yaml")
_RELATIVE = re.compile(r"(?<![^\s\"'(])\.\.?/[^\s:\"]*")
_OF_EXPRESSION = re.compile(r"\n +--expression:[\d:]+")
_PLACE = re.compile(r"\n(?: +(\S[^\n]*?):(\d+):\d+$|(\S+?):(\d+): )", re.MULTILINE)
_BESIDE_THE_POINT = re.compile(
    r"error in call to encoding/yaml\.MarshalStream: |^\S+@v\d+: (?=import failed)", re.MULTILINE
)
_UNDECLARED = re.compile(r"^no tag for \"([^\"]+)\"$", re.MULTILINE)

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


class Names(NamedTuple):
    """The private folder that stands for the root of the tree, the folder in it where cue runs, and the layers."""

    root: str
    folder: str
    layers: tuple[str, ...]


def translated(stderr: bytes, names: Names, expression: str) -> str:
    """Return what cue said with the repository's names, and without what is of our own making."""
    said = stderr.decode(errors="replace").replace(f"{names.root}/", "").strip()
    said = _LAYER.sub(lambda found: names.layers[int(found[1])], said)
    said = _RELATIVE.sub(lambda found: os.path.normpath(f"{names.folder}/{found[0]}"), said)
    said = _BESIDE_THE_POINT.sub("", _OF_EXPRESSION.sub("", said))
    said = re.sub(rf"^\d+\.{CHECKED}\b", "values", said, flags=re.MULTILINE)
    return re.sub(r"^(\d+)(?=[.:])", lambda found: f"{expression}[{found[1]}]", said, flags=re.MULTILINE)


def undeclared(result: Result) -> str:
    """Return the tag that cue misses in the package; empty where that is not what it says."""
    found = _UNDECLARED.search(result.stderr.decode(errors="replace")) if result.returncode else None
    return found[1] if found else ""


def refusal(result: Result, tool: Tool, said: str, layers: tuple[str, ...]) -> EngineError:
    """Return cue's error with its first place, and what can be done about it; `said` is translated."""
    name = f"cue {tool.version}"
    if result.returncode < 0:
        return EngineError(f"{name} was killed by signal {-result.returncode}", is_external=True)
    if not said:
        return EngineError(f"{name} exited with status {result.returncode} and said nothing")
    first, *others = said.splitlines()
    told = "\n  ".join([first.rstrip(":"), *others])
    places = [(found[1] or found[3], found[2] or found[4]) for found in _PLACE.finditer(f"\n{said}")]
    file = ":".join(places[0]) if places else ""
    return EngineError(f"{name}: {told}", file=file, hint=_hint(said, [path for path, _ in places], layers))


def _hint(said: str, places: list[str], layers: tuple[str, ...]) -> str:
    if "conflicting values" in said and len({*places} & {*layers}) > 1:
        return _OVERLAP
    first = said.partition("\n")[0].rstrip(":")
    for pattern, hint in _HINTS:
        if found := re.search(pattern, first):
            return hint.format(*found.groups())
    return ""
