"""The keys that values.schema.json knows: one beside them may be a mistake, one that it asks for may be needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

# What else may decide about a key, in ways that are not followed.
_OTHERS = frozenset(
    (
        *("$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "const", "enum"),
        *("dependencies", "dependentRequired", "dependentSchemas", "minProperties", "maxProperties"),
        *("propertyNames", "patternProperties", "unevaluatedProperties"),
    )
)


def judged(schema: bytes, path: Sequence[str]) -> Literal["free", "unknown", "unclear"]:
    """Say how a schema takes the key at a path: it may be there and may be left out; it is not known but may be there.

    Of all else nobody can tell here.
    """
    try:
        node = json.loads(schema)
    except ValueError:
        return "unclear"
    for key in path:
        if node is True or (isinstance(node, dict) and not node):
            return "free"
        if not isinstance(node, dict) or _OTHERS & node.keys() or key in (node.get("required") or ()):
            return "unclear"
        properties = node.get("properties")
        if not isinstance(properties, dict) or key not in properties:
            if node.get("additionalProperties", True) is not True:
                return "unclear"
            return "unknown" if properties else "free"
        node = properties[key]
    return "free"
