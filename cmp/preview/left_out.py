"""The things that a comparison leaves out, by the reasons for that, and those of them that the change may reach.

An `Uncompared` is one of them on one side.  The change reaches it where both sides have another one, or where a source
of it lies in this repository, follows the branch, and holds a changed file.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.application import sources_of
from cmp.changes import LeftOut
from cmp.errors import and_more
from cmp.preview.followed import is_trunk
from cmp.system.urls import repository_name
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Literal

    from cmp.changes import ApplicationChange

    Noun = Literal["Application", "ApplicationSet", "chart", "file", "pair"]
    Values = dict[str, object]

MAX_LISTED = 3
ELSEWHERE = "elsewhere"
GAP = "gap"
PARAMETER = "{{"  # of a template
_PARAMETER = re.compile(r"\\\{\\\{.*?\\\}\\\}")  # in an escaped text
_DOCUMENTATION = re.compile(r"\.md\Z|(?:\A|/)(?:LICENSE|CODEOWNERS|\.|docs/)")  # whatever a guessed folder holds


class Uncompared(NamedTuple):
    """One thing that is left out: its name, and why; `detail` is a URL, or what the inventory lacks.

    `value` is the object, if there is one.
    """

    noun: Noun
    name: str
    reason: str
    detail: str = ""
    value: Values | None = None


class ChangedPaths(NamedTuple):
    """The changed paths, the folder of the repository that is compared, its URLs, and the branch of the change."""

    changed: Sequence[str]
    prefix: str
    urls: Iterable[str]
    trunk: str

    def files(self, one: Uncompared) -> list[str]:
        """Return the changed files that a thing may read."""
        if one.value is not None:
            read = {path for source in _sources(one.value) for path in self._of_source(source, one.value)}
            return sorted(read)
        name = one.name.partition(":")[0]  # of a file, without the line of its mistake
        return [path for path in self.changed if path == name]

    def _of_source(self, source: Values, value: Values) -> Iterator[str]:
        """Yield the changed files of a source in this repository that follows the branch."""
        url, path = (str(source.get(key) or "") for key in ("repoURL", "path"))
        is_here = PARAMETER in url or repository_name(url) in self.urls
        if not is_here or not is_trunk(str(source.get("targetRevision") or ""), self.trunk):
            return
        named = [_values_file(name, str(source["ref"])) for name in _values_files(value)] if source.get("ref") else []
        named += [os.path.normpath(path.strip("/"))] if path else []
        for name in filter(None, named):
            yield from self._changed_in(name)

    def _changed_in(self, path: str) -> Iterator[str]:
        """Yield the changed files at a path of the repository; a parameter of a template stands for any text."""
        whole = re.escape("" if path == "." else path)
        pattern = re.compile(rf"{_PARAMETER.sub('.*', whole)}(/|\Z)" if whole else "", re.DOTALL)
        for one in self.changed:
            is_guessed = PARAMETER in path and _is_documentation(one)
            if not is_guessed and pattern.match(f"{self.prefix}/{one}" if self.prefix else one):
                yield one


def of_sides(sides: tuple[Sequence[Uncompared], Sequence[Uncompared]], reach: ChangedPaths) -> tuple[LeftOut, ...]:
    """Return what both sides leave out, by noun and reason, with the names that the change may reach."""
    before, after = ({(one.noun, one.name): one for one in side} for side in sides)
    found: list[LeftOut] = []
    for (noun, reason), ones in _by_reason({**before, **after}.values()):
        read = {name: reach.files(ones[name]) for name in sorted(ones)}
        differing = {name for name in ones if _value(before, noun, name) != _value(after, noun, name)}
        reached = tuple(name for name in read if read[name] or name in differing)
        files = tuple(sorted({path for paths in read.values() for path in paths}))
        found.append(LeftOut(noun, tuple(read), reached, _text(noun, reason, ones), files))
    return tuple(found)


def _value(side: Mapping[tuple[Noun, str], Uncompared], noun: Noun, name: str) -> tuple[object, ...]:
    """Return the object of a thing on a side, empty where the side does not have the thing."""
    return (side[noun, name].value,) if (noun, name) in side else ()


def promotions(changes: Iterable[ApplicationChange], uncompared: Iterable[Uncompared]) -> Iterator[LeftOut]:
    """Yield the Applications that follow another revision now, where one of both is not read here.

    Those that are left out already are not meant.
    """
    known = {one.name.rpartition("/")[2] for one in uncompared}
    moved = {one.application for one in changes if one.danger == "revision-moved"}
    if names := tuple(sorted(moved - known)):
        several = "1 Application follows" if len(names) == 1 else f"{len(names)} Applications follow"
        text = f"{several} another revision, and is compared as the branch is: `git fetch --tags` brings revisions here"
        yield LeftOut("Application", names, names, text)


def sentences(side: Sequence[Uncompared]) -> Iterator[str]:
    """Yield the sentences about what one tree leaves out."""
    yield from (_text(noun, reason, ones) for (noun, reason), ones in _by_reason(side))


def _by_reason(side: Iterable[Uncompared]) -> list[tuple[tuple[Noun, str], dict[str, Uncompared]]]:
    """Return what is left out for each noun and reason, by name."""
    reasons: dict[tuple[Noun, str], dict[str, Uncompared]] = defaultdict(dict)
    for one in side:
        reasons[one.noun, one.reason][one.name] = one
    return sorted(reasons.items())


def _text(noun: Noun, reason: str, ones: Mapping[str, Uncompared]) -> str:
    details = and_more(sorted({one.detail for one in ones.values()}), MAX_LISTED)
    if reason == ELSEWHERE:
        several = "1 Application is not compared: it has" if len(ones) == 1 else _several(len(ones))
        return (
            f"{several} sources in {details}, "
            "which is not this repository (`preview: {urls: […]}` or --repository-url says which URLs are; "
            "--repository URL=FOLDER names a clone of another one)"
        )
    if noun == "file":
        return f"{and_more(sorted(ones), MAX_LISTED)} {'is' if len(ones) == 1 else 'are'} left out: {reason}"
    not_read = f"{'one ApplicationSet is' if len(ones) == 1 else f'{len(ones)} ApplicationSets are'} not read here"
    if reason == GAP:
        return f"{not_read}: the inventory lacks {details}, which `clusters` of cmp.yaml may say"
    return f"{not_read}: {reason}"


def _several(count: int) -> str:
    return f"{count} Applications are not compared: they have"


def _sources(value: Values) -> list[Values]:
    """Return the sources of an Application, or of the template of a set, as they are written."""
    spec = mapping(value.get("spec"))
    template = mapping(spec.get("template"))
    return [source for source, _ in sources_of(mapping(template.get("spec")) if template else spec)]


def _is_documentation(path: str) -> bool:
    return _DOCUMENTATION.search(path) is not None


def _values_files(value: Values) -> Iterator[str]:
    for source in _sources(value):
        files = mapping(source.get("helm")).get("valueFiles")
        yield from map(str, files if isinstance(files, list) else ())


def _values_file(name: str, ref: str) -> str:
    """Return the path of a values file in the source that a name refers to; empty where it is in another."""
    first, _, path = name.rpartition("://")[2].partition("/")
    return os.path.normpath(path) if first == f"${ref}" and path else ""
