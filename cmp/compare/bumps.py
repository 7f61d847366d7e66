"""Bumps: images and charts with another version than before, read from the rendered objects."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp.changes import Bump
from cmp.yamldoc.access import dig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import Object, Subject

    Versions = dict[str, set[str]]

_NUMBERS = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?![0-9A-Za-z.])")
_BUILD = 1000  # a single number from here on is the number of a build or a date
_CHART = re.compile(r"(.+?)-(v?\d+\.\d+\.\d+\S*)")
_PARTS = ("major", "minor", "patch")


class _Use(NamedTuple):
    """A version in use at a place; uses at the same place on both sides belong together."""

    place: tuple[object, ...]
    name: str
    version: str


def bumps(subject: Subject, base: Sequence[Object], head: Sequence[Object]) -> tuple[Bump, ...]:
    """Return the images and charts with other versions in `head`, each once, ordered by kind, name and versions.

    An image without tag and digest is `latest`; with both its version is `8.2.0@sha256:…`, the digest whole.  Images
    are those of all containers, and in custom resources the values of the key `image` that have a tag or digest.
    Charts are named by the label `helm.sh/chart` (or `chart`).
    """
    images = _bumps("image", subject, list(_images(base)), list(_images(head)))
    return (*images, *_bumps("chart", subject, list(_charts(base)), list(_charts(head))))


def size(before: str, after: str) -> str:
    """Return `major`, `minor` or `patch`: the first number in which two versions differ, empty where none does."""
    old, new = _numbers(before), _numbers(after)
    if not old or not new:
        return ""
    return next((part for part, was, now in zip(_PARTS, old, new, strict=True) if was != now), "")


def _numbers(version: str) -> tuple[int, ...]:
    match = _NUMBERS.match(version)
    if not match or (match[2] is None and int(match[1]) >= _BUILD):
        return ()
    return tuple(int(number or 0) for number in match.groups())


def _bumps(kind: Literal["image", "chart"], subject: Subject, base: list[_Use], head: list[_Use]) -> list[Bump]:
    before, after = {use.place: use for use in base}, {use.place: use for use in head}
    common = [(before[place], after[place]) for place in before.keys() & after.keys()]
    in_place = {(old.name, old.version, new.version) for old, new in common if old.name == new.name}
    moved = set(_moved(_versions(base), _versions(head), in_place))
    changes = sorted({change for change in in_place if change[1] != change[2]} | moved)
    return [
        Bump(kind=kind, name=name, before=old, after=new, size=size(old, new), subject=subject)
        for name, old, new in changes
    ]


def _moved(base: Versions, head: Versions, in_place: set[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield the versions that came or went at other places, the lowest that went with the lowest that came."""
    for name in sorted(base.keys() | head.keys()):
        went = base[name] - head[name] - {old for other, old, _ in in_place if other == name}
        came = head[name] - base[name] - {new for other, _, new in in_place if other == name}
        for old, new in zip_longest(_ascending(went), _ascending(came), fillvalue=""):
            yield name, old, new


def _ascending(versions: Iterable[str]) -> list[str]:
    return sorted(versions, key=lambda version: (_numbers(version), version))


def _versions(uses: list[_Use]) -> Versions:
    versions: Versions = defaultdict(set)
    for use in uses:
        versions[use.name].add(use.version)
    return versions


def _charts(objects: Sequence[Object]) -> Iterator[_Use]:
    for subject in objects:
        for label in ("helm.sh/chart", "chart"):
            text = dig(subject.value, "metadata", "labels", label)
            match = _CHART.fullmatch(text) if isinstance(text, str) else None
            if match:
                # A label cannot hold the `+` of a version, so charts write `_`.
                yield _Use((subject.identity, label), match[1], match[2].replace("_", "+"))


def _images(objects: Sequence[Object]) -> Iterator[_Use]:
    for subject in objects:
        if subject.identity.kind != "CustomResourceDefinition":  # a schema may have a property `image` with a default
            yield from _walk(subject.value, (subject.identity,))


def _walk(value: object, place: tuple[object, ...]) -> Iterator[_Use]:
    if isinstance(value, dict):
        image = value.get("image")
        if isinstance(image, str) and image:
            yield from _image(image, place, is_container="name" in value)
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _walk(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            name = item.get("name") if isinstance(item, dict) else None
            yield from _walk(item, (*place, name if isinstance(name, str) else index))


def _image(reference: str, place: tuple[object, ...], *, is_container: bool) -> Iterator[_Use]:
    if "://" in reference:  # a picture
        return
    tagged, at, digest = reference.partition("@")
    folder, slash, last = tagged.rpartition("/")
    last, _, tag = last.partition(":")
    if tag or at or is_container:
        yield _Use(place, folder + slash + last, tag + at + digest or "latest")
