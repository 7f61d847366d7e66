"""The shapes of values in Argo CD's manifests, and the mistakes in them in the words of the API server's reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmp.schema.json_node import Json
from cmp.schema.spec import Dialect, Flag, Items, Keys, Map, Text

if TYPE_CHECKING:
    from cmp.schema.json_node import JsonNode
    from cmp.schema.spec import Spec


def _unexpected(spec: Spec[Any], node: JsonNode) -> str:
    is_unquoted = isinstance(spec, Text) and node.meaning in ("a number", "true or false")
    return f"{_name(node)} must be {spec.noun}{'; put it in quotes' if is_unquoted else ''}"


def _name(node: JsonNode) -> str:
    return node.location.name or "the document"


MANIFEST = Dialect(_unexpected, lambda node, key: f"{_name(node)} has no {key}", null="value")
PATCH = MANIFEST._replace(null="key")  # of something laid over a manifest, or that Argo CD fills in

TEXT = Text("a string", is_strict=True)
FLAG = Flag()
TEXTS = Items("a list", TEXT)
TEXT_MAP = Map(TEXT)
JSON_MAP = Json(Keys({}, dict[str, object], is_open=True))
