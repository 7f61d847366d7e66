"""The limits of gator: what the webhook of a cluster knows of a request, and gator nothing of an object.

gator reviews an object without an operation, a user, an older object or the Namespace as `namespaceObject`, and calls
no provider of external data (pkg/gator/test/test.go of open-policy-agent/gatekeeper, 3.23.1).  A template that reads
one of these is not judged here.  Which ones it reads is told by the words of its code, comments apart: a word too many
leaves a policy out, and is said; none is judged wrongly.

Creation is what is judged.  Where a template compares the operation with another one alone, as with `"UPDATE"`, both
no operation and `"CREATE"` have the same result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.yamldoc.access import dig, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.checks.policies.documents import Constraint, Template
    from cmp.yamldoc.access import Map

CEL = "K8sNativeValidation"  # gator and Gatekeeper take it before Rego where a template has both
NAME_LABEL = "kubernetes.io/metadata.name"

_OTHER_OPERATION = r"""["'](?:UPDATE|DELETE|CONNECT)["']"""
_OPERATION = r"""(?:\.\s*operation\b|\[\s*["']operation["']\s*\])"""
_COMPARED = re.compile(
    rf"has\(\s*[\w.]+\.operation\s*\)|[\w.]*{_OPERATION}\s*[=!]=\s*{_OTHER_OPERATION}"
    rf"|{_OTHER_OPERATION}\s*[=!]=\s*[\w.]*{_OPERATION}"
)
_QUOTED_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|(?P<comment>#[^\n]*)')
_INVENTORY = re.compile(r'\bdata\s*(?:\.\s*inventory\b|\[\s*"inventory"\s*\])')
_READS = (  # a reason, and what of a request is read for it
    ("ask a provider or a host", re.compile(r"\bexternal_data\b|\bhttp\.send\b|\bnet\.lookup_ip_addr\b")),
    ("depend on who asks", re.compile(r"\buserInfo\b|\bauthorizer\b")),
    ("depend on the object as it was", re.compile(r"\boldObject\b")),
    ("depend on the operation", re.compile(_OPERATION)),
    ("read namespaceObject", re.compile(r"\bnamespaceObject\b")),
    (
        "read other parts of a request",
        re.compile(r"\b(?:review|request)\s*\.\s*(?:dryRun|options|uid|resource|subResource|request[A-Z]\w*)\b"),
    ),
)


def reason(template: Template, constraint: Constraint) -> str:
    """Return why gator cannot judge by a constraint as the webhook does, as `that …`; empty where it can."""
    if not constraint.action:
        return "have no action at the webhook"
    if dig(constraint.manifest, "spec", "match", "source") == "Generated":
        return "match objects that an ExpansionTemplate makes"
    return reason_of_template(template)


def reason_of_template(template: Template) -> str:
    """Return the same for what the template says alone."""
    operations = [one for target in _targets(template) for one in _texts(target.get("operations"))]
    if operations and not {"*", "CREATE"} & {*operations}:
        return "judge no creation"
    code = _COMPARED.sub("", _code(template))
    return next((words for words, read in _READS if read.search(code)), "")


def is_compilable(template: Template) -> bool:
    """Tell whether gator can compile a template; it has no function to ask a provider."""
    return not re.search(r"\bexternal_data\b", _code(template))


def is_cel(template: Template) -> bool:
    """Tell whether the code that is run is CEL."""
    return any(str(code.get("engine")) == CEL for one in _targets(template) for code in maps(one.get("code")))


def is_referential(template: Template) -> bool:
    """Tell whether a template reads other objects of the cluster, of which only the rendered ones are known here."""
    return bool(_INVENTORY.search(_code(template)))


def selects_by_labels(constraint: Constraint) -> bool:
    """Tell whether a constraint selects namespaces by labels that somebody gave them: not by their name alone."""
    selector = mapping(dig(constraint.manifest, "spec", "match", "namespaceSelector"))
    expressions = maps(selector.get("matchExpressions"))
    keys = {*mapping(selector.get("matchLabels")), *(str(one.get("key")) for one in expressions)}
    return bool(keys - {NAME_LABEL})


def _targets(template: Template) -> list[Map]:
    return maps(dig(template.manifest, "spec", "targets"))


def _code(template: Template) -> str:
    """Return the code of a template that is run, without the comments of Rego."""
    sources = [
        (str(code.get("engine")), code.get("source")) for one in _targets(template) for code in maps(one.get("code"))
    ]
    cel = [source for engine, source in sources if engine == CEL]
    if cel:
        return "\n".join(_scalars(cel))
    rego = [source for _, source in sources]
    older = [[one.get("rego"), one.get("libs")] for one in _targets(template)]
    return _QUOTED_OR_COMMENT.sub(
        lambda found: "" if found["comment"] else found[0], "\n".join(_scalars([*rego, *older]))
    )


def _scalars(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif isinstance(value, str):
        yield value


def _texts(value: object) -> list[str]:
    return [*_scalars(value)] if isinstance(value, list) else []
