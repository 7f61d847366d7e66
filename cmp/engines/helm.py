"""Helm charts, rendered by `helm template` with the flags of Argo CD's built-in Helm, in its order.

Source of the order and of the escaping: argoproj/argo-cd, util/helm/cmd.go and util/helm/helm.go.
Helm merges the values: each layer is one `--values`, read from a memory file, so that plaintext is in no file system.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.engines.features import SKIP_SCHEMA_VALIDATION, require
from cmp.engines.protocol import MEMORY_FILES, EngineOutput, Needs
from cmp.engines.registry import HELM, HelmOptions
from cmp.system.process import Command
from cmp.system.sandbox import NAMES, Access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses
    from cmp.system.tree import Tree

NAME = HELM
NOISE: tuple[re.Pattern[str], ...] = (
    # Helm 4 reports pulled charts on stdout.
    re.compile(r"(Pulled|Digest): \S+"),
    re.compile(r"(level=|time=).*"),
    re.compile(r"(WARNING|W\d{4} ).*"),
)

CANCELLED = b" has been cancelled."  # on stdout of a helm that got a signal
ENABLE_DNS = "--enable-dns"  # of `extraFlags`; without it `getHostByName` gives an empty text

_COMMA = re.compile(r"(?<!\\),")


def needs(_: Tree, instance: Instance) -> Needs:
    """Ask for helm, and for the dependencies of the chart itself, or for a chart of a repository."""
    if instance.chart:
        return Needs(tools={NAME: instance.pins[NAME]}, chart_refs=(instance.chart,), layer_transport=MEMORY_FILES)
    return Needs(
        tools={NAME: instance.pins[NAME]},
        chart_folders=(instance.chart_folder,),
        read_paths=(instance.chart_folder,),
        layer_transport=MEMORY_FILES,
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Start `helm template`; an EngineError has its message, in terms of the repository's files.

    Helm reads the values in their order and then the chart (pkg/cli/values and action.Install, all supported versions):
    while it starts, and it takes long to start, sops decrypts and charts are restored.  The start gate, the first of
    the layers, holds it back until they are.  It sees its own program and the private folder; other files that a
    template or a schema names it cannot open (cmp/system/sandbox.py).
    """
    tool = work.tools[NAME]
    values = (work.start_gate, *(pipe for _, pipe in work.layers))
    inputs = (*values, *(pipe for _, pipe in work.value_texts))
    flags = tuple(_flags(instance, work, [pipe.path for pipe in values]))
    command = Command(
        label="helm template",
        argv=(tool.path, "template", ".", *flags),
        env=environment(work.env, work.home),
        cwd=work.chart_folder,
        inputs=inputs,
        access=Access((tool.path,), NAMES if ENABLE_DNS in flags else (), work.access.writes),
        place=_subject(instance),
    )
    child = processes.start(command)

    def finish() -> EngineOutput:
        result = processes.wait(child)[0]
        if not (result.returncode or result.stderr or CANCELLED in result.stdout):
            return EngineOutput(result.stdout, ())
        from cmp.engines.helm_messages import StderrParser, require_whole  # noqa: PLC0415  # patterns take milliseconds to compile

        require_whole(result.stdout, f"helm {tool.version}")
        parser = StderrParser(result.stderr, work, _subject(instance))
        if result.returncode != 0:
            error = parser.error(result.returncode, tool.version)
            error.file = error.file or instance.chart_place
            raise error
        return EngineOutput(result.stdout, parser.warnings())

    return finish


def _subject(instance: Instance) -> str:
    """Return the folder of the chart, or the name of one of a repository, for messages."""
    return instance.chart.name if instance.chart else instance.chart_folder


def environment(plain: Mapping[str, str], home: str) -> dict[str, str]:
    """Return an environment in which Helm finds no file of the user: no plugins, no repositories, no credentials."""
    return {
        **plain,
        "HOME": home,
        **{f"HELM_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")},
    }


def _flags(instance: Instance, work: Work, values_files: list[str]) -> Iterator[str]:
    yield from ("--name-template", instance.release)
    if instance.namespace:
        yield from ("--namespace", instance.namespace)
    if instance.kube_version:
        yield from ("--kube-version", instance.kube_version)
    for key, value in instance.parameters.typed_pairs:
        yield from ("--set", f"{key}={_escaped(value)}")
    for key, value in instance.parameters.set_strings:
        yield from ("--set-string", f"{key}={_escaped(value)}")
    for (key, _), (_, pipe) in zip(instance.value_texts, work.value_texts, strict=True):
        yield from ("--set-file", f"{key}={pipe.path}")
    for path in values_files:
        yield from ("--values", path)
    for version in instance.api_versions:
        yield from ("--api-versions", version)
    options = HelmOptions(instance.options)
    if not options.skip_crds:
        yield "--include-crds"
    if options.skip_schema_validation:
        require(work.tools[NAME], SKIP_SCHEMA_VALIDATION)
        yield "--skip-schema-validation"
    if options.skip_tests:
        yield "--skip-tests"
    yield from options.extra_flags  # the policy has seen them


def _escaped(value: str) -> str:
    """Escape the commas of a `--set` value as Argo CD does: `{a,b}` is a list, a comma elsewhere is text."""
    if value.startswith("{") and value.endswith("}"):
        return value
    return _COMMA.sub(r"\\,", value)
