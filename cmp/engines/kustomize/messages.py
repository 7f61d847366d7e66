"""The stderr of kustomize, in terms of the repository's files, and the cause of an error without the frames around it.

An error of kustomize has the way to its cause through all bases, and its other attempts there: 3.x as lists in quoted
strings, 4.x and 5.x as one line.  The texts here are those of the tested versions; others stay as they are.  It
begins at the line `Error: …`, which cobra prints; of a helm that failed it quotes the whole stderr.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.features import FIELDS_OF_KUSTOMIZE, dotted
from cmp.engines.helm_messages import ERROR, Parted, part
from cmp.engines.kustomize.graph import RENDERED_CHART
from cmp.engines.stderr import indented, unexplained
from cmp.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.engines.kustomize.graph import Graph

MAX_CONFIG = 200  # characters of a builtin's configuration, which may be a whole patch
HINTS = {
    "security; file": (
        "a kustomization reads files in and below its own folder: give that file a kustomization of its own, or write "
        "`kustomize: {buildOptions: [--load-restrictor=LoadRestrictionsNone]}` in cmp-app.yaml, which the "
        "administrator's policy must allow by `flags: {kustomize: […]}`"
    ),
    "external plugin": (
        "no render runs programs; a ksops configuration is read where `generators` names its file, not a folder"
    ),
    RENDERED_CHART: f"{RENDERED_CHART} is what helm made of the chart",
    "must specify --enable-helm": (
        "`kustomize: {enableHelm: true}` in cmp-app.yaml, or among the defaults of cmp.yaml, renders its charts"
    ),
    "is ambiguous: resolves to": (
        "a reference is a path of its own line, and no folder of it has `..` in its name: correct the indentation, or "
        "rename the folder"
    ),
    **dict.fromkeys(
        ("could not parse rnode slice into resource map", "error reading helm output"),
        "what helm printed of a chart is no manifests: `helm template` shows it; it also is `Release … has been "
        "cancelled` where helm got a signal from outside, as from a Pod that stops, and then nothing is wrong with the "
        "repository",
    ),
    "already in kustomization file": "forceCommonLabels and forceCommonAnnotations replace what the kustomization has",
}

HELM_ERROR = "helm: "

_WARNING = re.compile(r"(?:# Warning: |Flag )(.+)")
_HELM_FAILED = re.compile(r"(?m)^:? ?unable to run: '.*' with env=.*")  # behind helm's stderr
_KEY = re.compile(r"'(\w+)'")
_BASE = re.compile(r"(?:recursed accumulation of|couldn't make target for) path '([^']*)'")
_FRAMES = (
    # its other attempts
    (re.compile(r'\n\s*\* loader\.New error: "error loading .*'), ""),
    (re.compile(r"': must build at directory: .*"), ""),
    # the way through the bases
    (
        re.compile(r"accumulat(?:ion err='|eFile error: \")accumulating resources from '[^']*': '[^']*' must .*? file"),
        "",
    ),
    (re.compile(r"accumulat(?:ion err='|e\w+ error: \"|eDirectory: \")"), ""),
    (re.compile(r"\d+ errors? occurred:|loader\.New error: \""), ""),
    (_BASE, ""),
    (re.compile(r"accumulating (?:resources|components): "), ""),
    # helm's message, and kustomize's about helm
    (_HELM_FAILED, ""),
    (re.compile(r"(?m)^\s*Use --debug flag to render out invalid YAML$"), ""),
    (re.compile(r"/\S+/kustomize-helm-\d+/(\S+)-kustomize-values\.yaml"), r"the values of \1"),
    (re.compile(r"(?m)^(?:: )?Error: "), HELM_ERROR),
)
_CONFIG = re.compile(r"trouble configuring builtin (\w+) with config: `\n(.*?)\n`", re.DOTALL)
_FILE = re.compile(r"(?:accumulating|merging) resources from '([^']+)'|failure on '([^']+)'")
_LINE = re.compile(r"yaml: line (\d+)")
_FIELD = re.compile(r'unknown field "(\w+)"')


class Mirror(NamedTuple):
    """The folders that stand for the root of the tree in stderr, the folder that is built, and its kustomizations."""

    roots: tuple[str, ...]
    folder: str
    graph: Graph


class StderrParser:
    """The stderr of one run."""

    def __init__(self, stderr: bytes, mirror: Mirror) -> None:
        text = stderr.decode(errors="replace")
        for root in mirror.roots:
            text = text.replace(f"{root}/", "").replace(root, ".")
        text = text.partition("\nUsage:\n")[0]  # `kustomize edit` explains itself
        lines = [line for line in text.splitlines() if line.strip()]
        self._warnings = [match[1] for line in lines if (match := _WARNING.fullmatch(line))]
        self._messages = [line for line in lines if not _WARNING.fullmatch(line)]
        self._mirror = mirror

    def warnings(self) -> Iterator[str]:
        """Yield each line of a run that succeeded, once."""
        yield from self._told((*self._warnings, *self._messages))

    def _told(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield each text once: for a deprecated key with the files that have it; an option may have brought it in."""
        kustomizations = self._mirror.graph.kustomizations.values()
        for text in dict.fromkeys(texts):
            key = _KEY.match(text)
            files = [one.file for one in kustomizations if key and key[1] in one.value]
            if files or not key:
                yield " ".join(["kustomize:", text, *([f"({', '.join(files)})"] if files else [])])

    def error(self, status: int, version: str) -> EngineError:
        """Return the error of a run that ended with another status than 0."""
        program = f"kustomize {version}"
        before, message = self._parted()
        error = unexplained(program, status, message) or self._error(program, message)
        error.warnings = (*self._told((*self._warnings, *before)), *error.warnings)
        return error

    def _parted(self) -> tuple[list[str], str]:
        """Return the lines before the error, and its text; all there is where nothing marks it, as in a crash."""
        lines = self._messages
        start = next((index for index, line in enumerate(lines) if line.startswith(ERROR)), 0)
        return lines[:start], "\n".join(lines[start:]).removeprefix(ERROR)

    def _error(self, program: str, message: str) -> EngineError:
        is_of_helm = _HELM_FAILED.search(message) is not None
        message, crash, _ = message.partition("goroutine ")
        if crash and not is_of_helm:
            return EngineError(f"{program} crashed: {message.strip()}")
        base, lines = _cause(message)
        parted = part(lines, HELM_ERROR) if is_of_helm else Parted((), lines)
        cause = "\n".join(parted.error) or message
        place = self._place(cause, base or self._mirror.folder)
        whose = HELM_ERROR if is_of_helm and parted.error else ""
        return EngineError(
            f"{program}: {whose}{indented(cause)}",
            file=place,
            hint=_hint(cause),
            warnings=[f"kustomize: helm: {text}" for text in parted.warnings],
        )

    def _place(self, cause: str, folder: str) -> str:
        """Return the file of an error, with its line; the kustomization itself where no other file is named."""
        named = _FILE.search(cause)
        if not named:
            kustomization = self._mirror.graph.kustomizations.get(folder)
            return kustomization.file if kustomization else ""
        file = named[2] or posixpath.normpath(posixpath.join(folder, named[1]))
        line = _LINE.search(cause)
        return f"{file}:{line[1]}" if line else file


def _cause(message: str) -> tuple[str, tuple[str, ...]]:
    """Return the folder of the kustomization that fails, empty where it is not named, and the lines of the cause."""
    text = re.sub(r"\\+([nt\"])", lambda match: {"n": "\n", "t": " ", '"': '"'}[match[1]], message)
    bases = _BASE.findall(text)
    text = _CONFIG.sub(lambda match: f"{match[1]} ({_short(match[2])})", text)
    for frame, replacement in _FRAMES:
        text = frame.sub(replacement, text)
    lines = [_unquoted(line.lstrip(" \t*:'\"").rstrip()) for line in text.splitlines()]
    return bases[-1] if bases else "", tuple(line for line in lines if line)


def _unquoted(line: str) -> str:
    """Remove the quote that a frame left at the end."""
    return line[:-1] if line[-1:] in ("'", '"') and line.count(line[-1]) % 2 else line


def _short(config: str) -> str:
    text = " ".join(config.split())
    return text if len(text) <= MAX_CONFIG else f"{text[:MAX_CONFIG]}…"


def _hint(cause: str) -> str:
    field = _FIELD.search(cause)
    if field and field[1] in FIELDS_OF_KUSTOMIZE:
        return (
            f"pin kustomize {dotted(FIELDS_OF_KUSTOMIZE[field[1]])} or newer for this application: it knows {field[1]}"
        )
    return next((hint for sign, hint in HINTS.items() if sign in cause), "")
