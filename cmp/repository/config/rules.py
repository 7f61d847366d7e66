"""Rules for the texts of a configuration: patterns, versions, names and paths."""

from __future__ import annotations

import re

from cmp.schema.spec import Rule, quoted
from cmp.versions import PSEUDO_VERSION

_CONTROL = r"\x00-\x1f\x7f"
_NAME = "[A-Za-z_][A-Za-z0-9_]*"
CAPTURE = rf"\{{{_NAME}\}}"
_NOT_DOTS = r"(?!\.{1,2}(?:/|$))"
_PLAIN = rf"[^{{}}$*/\\?\[\]{_CONTROL}]|\$(?!\{{)"
_SEGMENT = rf"{_NOT_DOTS}(?:\*\*|(?:{_PLAIN}|{CAPTURE}|\*(?!\*))+)"
_FOLDER_SEGMENT = rf"{_NOT_DOTS}(?:{_PLAIN}|{CAPTURE})+"
_PATTERN = rf"{_SEGMENT}(?:/{_SEGMENT})*"
_LITERAL = rf"{_NOT_DOTS}[^/\\{_CONTROL}]+"
_NUMBER = r"(?:0|[1-9][0-9]*)"
_THREE_NUMBERS = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
_VERSION = rf"(?!.*{PSEUDO_VERSION}){_THREE_NUMBERS}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z.-]+)?"
_COMPARISON = r" *(?:>=|<=|==|!=|>|<) *[0-9]+(?:\.[0-9]+)* *"
# A fact must not look like a key of the inventory that somebody misspelt, nor a name that cmp itself fills in patterns.
_TAKEN = r"app|cluster|is|(?:[Kk]ube|[Aa]pi)[_-]?[Vv]ersions?|[Ll]abels?|[Aa]nnotations?|[Ss]ervers?"
_TAKEN_KEYS = {
    "kubeversion": "kubeVersion",
    "apiversion": "apiVersions",
    "label": "labels",
    "annotation": "annotations",
}

# Variables with which programs or cmp decide how a render works (helmfile: pkg/envvar/const.go; helm: pkg/cli).
_OWN_VARIABLES = (
    "HELMFILE_.*|HELM_(?:[A-Z]+_HOME|REPOSITORY_.*|REGISTRY_.*|PLUGIN.*|NO_PLUGINS|KUBE.*|DRIVER.*|DEBUG|NAMESPACE|BIN|"
    "CONTENT_CACHE|EXPERIMENTAL.*)|LD_.*|GO[A-Z]+|HOME|PATH|TMPDIR"
)


def _fault(text: str, faults: tuple[tuple[str, str], ...]) -> str:
    """Return the message of the first expression that is found in the text."""
    return next(message for regex, message in faults if re.search(regex, text))


_PATH_FAULTS = (
    (r"\A\Z", "it must name something"),
    (f"[{_CONTROL}]", "it holds a control character"),
    (r"\\", "it holds a backslash; folders are separated by `/`"),
    (r"\A/", "it is absolute; a path starts below the root, without a `/`"),
    (r"(?:\A|/)\.\.(?:/|\Z)", "`..` could leave its folder"),
    (r"(?:\A|/)\.(?:/|\Z)", "leave the segment `.` out"),
    (r"//|/\Z", "it has an empty segment between or after `/`"),
)
_PLACEHOLDER_FAULTS = (
    (r"\$\{|\{\{", "a placeholder is written `{name}`"),
    (
        rf"\{{(?!{_NAME}\}})[^{{}}/]*\}}",
        "the name of a placeholder has letters, digits and `_`, and starts with no digit",
    ),
    (rf"\A(?!(?:[^{{}}]|{CAPTURE})*\Z)", "it has a brace without its partner"),
)
_PATTERN_FAULTS = (
    *_PATH_FAULTS,
    *_PLACEHOLDER_FAULTS,
    (r"\*\*", "`**` stands for whole segments; within a segment write `*`"),
    (r"[?\[\]]", "`?` and `[…]` are not supported; use `*`, `**` and `{name}`"),
)


def _explain_pattern(text: str) -> str:
    return f"{quoted(text)} is no pattern: {_fault(text, _PATTERN_FAULTS)}"


def _explain_path(text: str) -> str:
    return f"{quoted(text)} is no path in the repository: {_fault(text, _PATH_FAULTS)}"


def _explain_version(text: str) -> str:
    if text[:1] in {"v", "V"} and VERSION.accepts(text[1:]):
        return f"{quoted(text)} is not an exact version; write it without the {text[0]}: {text[1:]}"
    if re.search(PSEUDO_VERSION, text):
        return f"{quoted(text)} names a commit (a Go pseudo-version); a pin names a release, such as 3.18.6"
    return f"{quoted(text)} is not an exact version; a pin names one, such as 3.18.6"


_TEMPLATE_FAULTS = (
    *_PLACEHOLDER_FAULTS,
    ("", "a name has lower-case letters, digits, `-`, `.` and placeholders such as {app}"),
)


def _explain_template(text: str) -> str:
    return f"{quoted(text)} is no name: {_fault(text, _TEMPLATE_FAULTS)}"


def _explain_suffix(text: str) -> str:
    if not text.startswith("."):
        return f"{quoted(text)} is no suffix: a suffix starts with a dot, such as .secret.yaml"
    return (
        f"{quoted(text)} is no suffix: a suffix has no `/`, `*`, backslash, braces or control characters after its dot"
    )


def _explain_requirement(text: str) -> str:
    return f"{quoted(text)} is no requirement; write comparisons such as >=0.3 or >=0.3,<1"


def _explain_cluster(text: str) -> str:
    return (
        f"{quoted(text)} cannot name a cluster: a name is one segment of a path, without `/`, `*`, braces, `.` or `..`"
    )


def _explain_names(text: str) -> str:
    return (
        f"{quoted(text)} cannot name applications: a name is one segment of a path, in which `*` is any text, without "
        "`/`, braces, `**`, `.` or `..`"
    )


def _explain_fact(text: str) -> str:
    if text in {"app", "cluster"}:
        return f"{quoted(text)} cannot name a fact: `{{{text}}}` is filled by cmp"
    if text == "is":
        return f"{quoted(text)} cannot name a fact: it names the cluster that another one is like"
    plain = text.lower().replace("_", "").replace("-", "")
    if re.fullmatch(_TAKEN, text):
        known = _TAKEN_KEYS.get(plain) or _TAKEN_KEYS.get(plain.removesuffix("s"), "server")
        return f"{quoted(text)} cannot name a fact; did you mean `{known}`?"
    return f"{quoted(text)} cannot name a fact: a name has letters, digits and `_`, and starts with no digit"


def _explain_variable(text: str) -> str:
    if re.fullmatch(_OWN_VARIABLES, text):
        return f"{quoted(text)} cannot be set: helmfile, helm or their libraries read it themselves; take another name"
    return f"{quoted(text)} cannot name a variable: a name has letters, digits and `_`, and starts with no digit"


def _explain_state(text: str) -> str:
    if "/" in text:
        return f"{quoted(text)} is no file's name: a helmfile lies in the application's own folder"
    return f"{quoted(text)} cannot name a helmfile: its name ends in .yaml, .yml, .yaml.gotmpl or .yml.gotmpl"


def _explain_group_version(text: str) -> str:
    return f"{quoted(text)} is no group/version, such as apps/v1"


def _explain_key(text: str) -> str:
    return f"{quoted(text)} cannot be a key here: a key is some text without control characters"


def _explain_instances(text: str) -> str:
    if PATTERN.accepts(text):
        return (
            f"{quoted(text)} does not tell applications and clusters apart: it needs `{{app}}`, and `{{cluster}}` or "
            "a fact of clusters"
        )
    return _explain_pattern(text)


def _explain_apps(text: str) -> str:
    if PATTERN.accepts(text):
        return f"{quoted(text)} does not tell applications apart: it needs `{{app}}`"
    return _explain_pattern(text)


def _explain_secret_pattern(text: str) -> str:
    inside = re.sub(r"\A(?:\.\./)+", "", text)
    return f"{quoted(text)} is no pattern: {_fault(inside, _PATTERN_FAULTS)}"


def _explain_folder(text: str) -> str:
    if "://" in text:
        return f"{quoted(text)} is no folder of the repository; {_CHART_MAP}"
    fault = "a chart is one folder; leave `*` out" if "*" in text else _fault(text, _PATTERN_FAULTS)
    return f"{quoted(text)} is no folder: {fault}"


_CHART_MAP = "a chart of another place is written `{repository: …, name: …, version: …}`"


def _explain_chart_repository(text: str) -> str:
    if text.startswith("file:"):
        return f"{quoted(text)} is no repository: a chart of this tree is written as its folder, `chart: charts/web`"
    return f"{quoted(text)} is no repository; write a URL such as https://… or oci://…, or an alias such as @name"


def _explain_chart_name(text: str) -> str:
    return f"{quoted(text)} is no chart's name: it has letters, digits, `.`, `_` and `-`"


PATTERN = Rule(_PATTERN, _explain_pattern)
FOLDER = Rule(rf"{_FOLDER_SEGMENT}(?:/{_FOLDER_SEGMENT})*", _explain_folder)
CHART_REPOSITORY = Rule(rf"(?:(?:https?|oci)://|@|alias:)[^ {_CONTROL}]+", _explain_chart_repository)
CHART_NAME = Rule("[A-Za-z0-9_][A-Za-z0-9._-]{0,249}", _explain_chart_name)
# The files of a `file://` chart lie beside the folder that is rendered; that they do is checked there.
SECRET_PATTERN = Rule(rf"(?:\.\./)*{_PATTERN}", _explain_secret_pattern)
APPS = Rule(_PATTERN, _explain_apps, (r"\{app\}",))
INSTANCES = Rule(_PATTERN, _explain_instances, (r"\{(?:app|name)\}", rf"\{{(?!(?:app|name)\}}){_NAME}\}}"))
INSTANCES_OR_NONE = INSTANCES._replace(regex=rf"(?:{_PATTERN})?")
PATH = Rule(rf"{_LITERAL}(?:/{_LITERAL})*", _explain_path)
TEMPLATE = Rule(rf"(?:[a-z0-9.-]|{CAPTURE})+", _explain_template)
VERSION = Rule(_VERSION, _explain_version)
REQUIREMENT = Rule(rf"{_COMPARISON}(?:,{_COMPARISON})*", _explain_requirement)
SUFFIX = Rule(rf"\.[^/*{{}}\\{_CONTROL}]+", _explain_suffix)
CLUSTER = Rule(rf"{_NOT_DOTS}[^/\\{{}}*{_CONTROL}]+", _explain_cluster)
NAMES = Rule(rf"{_NOT_DOTS}(?:[^/\\{{}}*{_CONTROL}]|\*(?!\*))+", _explain_names)
FACT = Rule(rf"(?!(?:{_TAKEN})$){_NAME}", _explain_fact)
VARIABLE = Rule(rf"(?!(?:{_OWN_VARIABLES})$){_NAME}", _explain_variable)
STATE = Rule(rf"{_LITERAL}\.ya?ml(?:\.gotmpl)?", _explain_state)
KEY = Rule(rf"[^{_CONTROL}]+", _explain_key)
GROUP_VERSION = Rule(r"(?:[a-z0-9.-]+/)?[a-z][a-z0-9-]*", _explain_group_version)
