"""Helm's records in a cluster, as helm itself reads them: a release with its manifest and hooks, its values.

`helm get all` with a template reads one record and nothing else: `helm status` of helm 4 asks for every object of the
release, which needs rights on all of them.  The template prints each text behind its length in bytes, so that nothing
in a manifest can be taken for its end; nobody parses YAML to get at a manifest.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import DeadlineError, EngineError, ToolError
from cmp.live import contexts
from cmp.live.values import GivenValues

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import Any

    from cmp.context import Context
    from cmp.errors import CmpError
    from cmp.model import Tool
    from cmp.system.process import Result

DEPLOYED = "deployed"
UNINSTALLED = "uninstalled"
SECONDS = 60.0  # for one question: a cluster that is there answers within one
EXTRA = "install it with `pip install 'argocd-cmp[live]'` (from a clone: `pip install '.[live]'`)"

_TIME = "2006-01-02T15:04:05Z07:00"  # Go's way to say RFC 3339
_TEXTS = (
    ".Name",
    ".Namespace",
    '(printf "%d" .Version)',
    ".Info.Status",
    f'(.Info.LastDeployed.Format "{_TIME}")',
    ".Chart.Metadata.Name",
    ".Chart.Metadata.Version",
    ".Manifest",
)
_HOOK = (".Path", ".Manifest")


def _printed(texts: tuple[str, ...]) -> str:
    return "".join(f'{{{{ template "text" {text} }}}}' for text in texts)


TEMPLATE = (
    '{{ define "text" }}{{ len . }}:{{ . }}{{ end }}'
    f"{{{{ with .Release }}}}{_printed(_TEXTS)}{{{{ range .Hooks }}}}{_printed(_HOOK)}{{{{ end }}}}{{{{ end }}}}"
)

# The words of helm and client-go, all versions alike, and what they mean; tests make each of them happen.
_FAULTS = (
    (r"release: not found", "there is no such release", "`helm list --all-namespaces` tells what there is"),
    (
        r"is forbidden: ",
        "the user of this context may not read the release",
        "helm keeps releases in Secrets: `get` and `list` on those of that namespace are enough, for --all on all",
    ),
    (
        r"asked for the client to provide credentials|Unauthorized",
        "the cluster does not know the user of this context",
        "log in again: `kubectl --context CONTEXT get --raw /version` must answer",
    ),
    (
        r"cluster unreachable",
        "the cluster cannot be reached",
        "`kubectl --context CONTEXT get --raw /version` must answer",
    ),
)


class Hook(NamedTuple):
    """A hook of a release: the template that it comes from, and its manifest."""

    path: str
    manifest: bytes


class Release(NamedTuple):
    """The current revision of a release; `updated` is a time of RFC 3339."""

    name: str
    namespace: str
    revision: int
    status: str
    updated: str
    chart: str
    chart_version: str
    manifest: bytes
    hooks: tuple[Hook, ...]

    @property
    def stream(self) -> bytes:
        """The manifest and the hooks as one YAML stream, as `helm template` prints them."""
        hooks = (b"---\n# Source: %s\n%s\n" % (hook.path.encode(), hook.manifest) for hook in self.hooks)
        return b"".join((self.manifest, b"\n", *hooks))


class Listed(NamedTuple):
    """A release as `helm list` shows it: `updated` begins with date and time, `chart` is name and version."""

    name: str
    namespace: str
    revision: str
    status: str
    updated: str
    chart: str


class ReleaseReader:
    """Asks the pinned helm about releases in one context; EngineError where it fails."""

    def __init__(self, helm: Tool, kube_context: str, context: Context) -> None:
        from cmp.live import client  # noqa: PLC0415  # pyhelm3 is an extra

        self._kube_context = kube_context
        self._helm = helm
        cluster = context.settings.env.cluster
        env = {**cluster, **contexts.variable(cluster, os.getcwd()), "HELM_NO_PLUGINS": "1"}
        self._subject = ""
        self._result_of = client.result_of
        self._command = client.HelmCommand(
            helm,
            kube_context,
            env,
            # Half of what is left: the rest of the comparison needs some, too.
            deadline=lambda: context.deadline.sooner(min(SECONDS, context.deadline.remaining() / 2)),
            refused=self._refused,
        )
        self._client = client.client(self._command, helm)

    def read(self, name: str, namespace: str) -> Release:
        """Return the current revision of a release."""
        self._subject = f"release {name} in namespace {namespace}"
        words = ["get", "all", name, "--namespace", namespace, "--template", TEMPLATE]
        return _release([*_texts(self._asked(self._command.run(words)))])

    def list(self) -> tuple[Listed, ...]:
        """Return all releases of the cluster, whatever their status."""
        self._subject = "the releases of all namespaces"
        found = self._asked(self._client.list_release_definitions(all=True, all_namespaces=True, max_releases=0))
        return tuple(Listed(*(str(one[name]) for name in Listed._fields)) for one in found)

    def values(self, name: str, namespace: str) -> GivenValues:
        """Return the values of the current revision of a release: those it was given, and all."""
        self._subject = f"release {name} in namespace {namespace}"
        ask = partial(self._command.get_values, name, namespace=namespace)
        return GivenValues(*(self._asked(ask(computed=computed)) for computed in (False, True)))

    def _asked(self, question: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401  # pyhelm3 has no types
        try:
            return self._result_of(question)
        except DeadlineError as error:
            error.file = self.place
            error.hint = "`kubectl --context CONTEXT get --raw /version` must answer"
            raise

    @property
    def place(self) -> str:
        """The release and the context that were last asked for."""
        return f"{self._subject}, context {self._kube_context}"

    def _refused(self, result: Result) -> CmpError:
        words = " ".join(result.stderr.decode(errors="replace").split())
        said = words.partition("Error: ")[2] or words
        what, hint = next(
            ((what, hint) for pattern, what, hint in _FAULTS if re.search(pattern, said, re.IGNORECASE)),
            ("the release cannot be read", ""),
        )
        return EngineError(
            f"{what}: helm {self._helm.version}: {said}",
            file=self.place,
            hint=hint,
            is_external=True,
        )


def _texts(data: bytes) -> Iterator[bytes]:
    """Yield the texts that the template has printed."""
    position = 0
    while position < len(data):
        start = data.index(b":", position) + 1
        position = start + int(data[position : start - 1])
        yield data[start:position]


def _release(texts: list[bytes]) -> Release:
    *words, manifest = texts[: len(_TEXTS)]
    name, namespace, revision, status, updated, chart, version = (word.decode() for word in words)
    hooks = texts[len(_TEXTS) :]
    return Release(
        name=name,
        namespace=namespace,
        revision=int(revision),
        status=status,
        updated=updated,
        chart=chart,
        chart_version=version,
        manifest=manifest,
        hooks=tuple(Hook(path.decode(), text) for path, text in zip(hooks[::2], hooks[1::2], strict=True)),
    )


def require_extra() -> None:
    """ToolError where pyhelm3 is not installed."""
    try:
        import cmp.live.client  # noqa: F401, PLC0415
    except ImportError as error:
        raise ToolError(f"--live needs the package pyhelm3: {error}", hint=EXTRA, is_external=True) from None
