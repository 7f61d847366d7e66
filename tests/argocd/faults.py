"""Faults that a commit can bring, each with what the operator reads in the condition of the Application."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.argocd.trees import VALUES
from tests.argocd.victim import FIRST, PAIR, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

WHERE = "  where: application shop, cluster dev, phase"


class Fault(NamedTuple):
    """A wrong tree and the lines of the error.  `name` is a part of the Application's name."""

    name: str
    files: Mapping[str, str]
    lines: tuple[str, ...]


EMPTY = Fault(
    "empty",
    {VALUES: "greeting: ''\n"},
    (
        "cmp: helm printed no object: Argo CD could prune the whole application",
        f"{WHERE} output",
        "  hint: if this is meant, `output: {allowEmpty: true}` in cmp-app.yaml accepts it; see operations.md#output",
    ),
)
# `-}}` eats the line break: `greeting: hello---`, and of each pair Argo CD would see the second object only.
GLUED = Fault(
    "glued",
    {FIRST: PAIR.format(name="first", glue="-"), SECOND: PAIR.format(name="second", glue="-")},
    (
        "cmp: 2 mistakes in what helm printed",
        (
            "  shop/templates/first.yaml, line 15 of the output: ConfigMap first-b: two objects in one document: "
            "the `---` between them is missing, or the line break before it"
        ),
        (
            "  shop/templates/second.yaml, line 27 of the output: ConfigMap second-b: two objects in one document: "
            "the `---` between them is missing, or the line break before it"
        ),
        f"{WHERE} output",
        "  hint: see operations.md#output",
    ),
)
CIPHERTEXT = Fault(
    "ciphertext",
    {FIRST: PAIR.format(name="first", glue="").replace("{{ .Values.greeting }}", "ENC[AES256_GCM,data:b3Bz,iv:aXY=]")},
    (
        "cmp: ConfigMap first-a: SOPS ciphertext, still encrypted",
        f"{WHERE} output, shop/templates/first.yaml, line 14 of the output",
        (
            "  hint: `secrets: {files: […]}` in cmp-app.yaml decrypts encrypted files of the folder that is rendered; "
            "if this is meant, `output: {allowCiphertext: true}` in cmp-app.yaml accepts it; see operations.md#output"
        ),
    ),
)
QUOTING = Fault(
    "quoting",
    {FIRST: '{{ fail (printf "the password %s is too short" .Values.password) }}\n'},
    (
        "cmp: helm 3.18.6: execution error at (shop/templates/first.yaml:1:3): the password ‹secret› is too short",
        f"{WHERE} helm, namespaces/shop/templates/first.yaml:1",
        "  hint: see operations.md#engine",
    ),
)
FAULTS = (EMPTY, GLUED, CIPHERTEXT, QUOTING)
