"""Rendered objects for tests, from the YAML that a test shows."""

from __future__ import annotations

from textwrap import dedent

from cmp import yamldoc
from cmp.changes import Object
from cmp.compare.pairing import MatchedObject
from cmp.model import Identity


def value_of(text: str) -> object:
    """Return the value of one YAML document, as manifests are read."""
    return yamldoc.load_all(dedent(text).encode())[0]


def object_of(value: object, source: str = "") -> Object:
    """Return a map as a rendered object."""
    assert isinstance(value, dict)
    metadata = value.get("metadata") or {}
    api_version = value.get("apiVersion", "v1")
    group = api_version.rpartition("/")[0]
    identity = Identity(group, value.get("kind", "Thing"), metadata.get("namespace", ""), metadata.get("name", "it"))
    return Object(api_version, identity, value, source)


def objects(text: str) -> list[Object]:
    """Return the objects of a stream of YAML."""
    return [object_of(value) for value in yamldoc.load_all(dedent(text).encode())]


def matched(before: str, after: str) -> MatchedObject:
    """Return one object, before and after, from its YAML; an empty text stands for no object."""
    return MatchedObject(*(object_of(value_of(text)) if text else None for text in (before, after)))
