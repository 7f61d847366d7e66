"""Helm charts, rendered by `helm template` with the flags of Argo CD's built-in Helm, in its order.

Source of the order and of the escaping: argoproj/argo-cd, util/helm/cmd.go and util/helm/helm.go.
Helm merges the values: each layer is one `--values`, read from a memory file, so that plaintext is in no file system.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from cmp.engines.features import SKIP_SCHEMA_VALIDATION, require
from cmp.engines.helmplaces import place
from cmp.engines.protocol import MEMORY_FILES, EngineOutput, Needs
from cmp.engines.registry import HELM
from cmp.errors import EngineError
from cmp.system.process import Command
from cmp.system.sandbox import NAMES, Access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.engines.protocol import Work
    from cmp.model import Instance, Tool
    from cmp.system.process import ChildProcesses, Result
    from cmp.system.tree import Tree

NAME = HELM
NOISE: tuple[re.Pattern[str], ...] = (
    # Helm 4 reports what it pulled on stdout.
    re.compile(r"(Pulled|Digest): \S+"),
    re.compile(r"(level=|time=).*"),
    re.compile(r"(WARNING|W\d{4} ).*"),
)

ENABLE_DNS = "--enable-dns"  # of `extraFlags`; without it `getHostByName` gives an empty text

_COMMA = re.compile(r"(?<!\\),")
_LOG = re.compile(r'^(?:\w+\.go:\d+: |level=\w+ msg="?)(?:warning: )?')  # how its log lines begin, Helm 3 and 4
_ADVICE = "Use --debug flag to render out invalid YAML"  # of no use to whoever reads a status in Argo CD


def needs(_: Tree, instance: Instance) -> Needs:
    """Ask for helm, and for the dependencies of the chart itself."""
    return Needs(
        tools={NAME: instance.pins[NAME]},
        chart_folders=(instance.folder,),
        read_paths=(instance.folder,),
        layer_transport=MEMORY_FILES,
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Start `helm template`; EngineError carries what it said, in terms of the repository's files.

    Helm reads the values in their order and then the chart (pkg/cli/values and action.Install, all supported versions):
    while it starts, and it takes long to start, sops decrypts and charts are restored.  The gate, the first of the
    layers, holds it back until they are.  It sees its own program and the private folder; what a template or a schema
    names beside those it cannot open (cmp/system/sandbox.py).
    """
    tool = work.tools[NAME]
    inputs = (work.start_gate, *(pipe for _, pipe in work.layers))
    flags = tuple(_flags(instance, tool, [pipe.path for pipe in inputs]))
    command = Command(
        label="helm template",
        argv=(tool.path, "template", ".", *flags),
        env=environment(work.env, work.home),
        cwd=work.folder,
        inputs=inputs,
        access=Access((tool.path,), NAMES if ENABLE_DNS in flags else (), work.access.writes),
        place=instance.folder,
    )
    child = processes.start(command)

    def finish() -> EngineOutput:
        result = processes.wait(child)[0]
        said = _in_terms_of_the_repository(result.stderr, work)
        if result.returncode != 0:
            raise _refusal(result, tool, said, instance)
        return EngineOutput(result.stdout, tuple(_warning(line) for line in said.splitlines()))

    return finish


def environment(plain: Mapping[str, str], home: str) -> dict[str, str]:
    """Return an environment in which Helm finds no file of the user: no plugins, no repositories, no credentials."""
    return {
        **plain,
        "HOME": home,
        **{f"HELM_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")},
    }


def _flags(instance: Instance, tool: Tool, values: list[str]) -> Iterator[str]:
    yield from ("--name-template", instance.release)
    if instance.namespace:
        yield from ("--namespace", instance.namespace)
    if instance.kube_version:
        yield from ("--kube-version", instance.kube_version)
    for key, value in instance.parameters.set_values:
        yield from ("--set", f"{key}={escape(value)}")
    for key, value in instance.parameters.set_strings:
        yield from ("--set-string", f"{key}={escape(value)}")
    for path in values:
        yield from ("--values", path)
    for version in instance.api_versions:
        yield from ("--api-versions", version)
    yield from _switches(instance, tool)


def _switches(instance: Instance, tool: Tool) -> Iterator[str]:
    options = instance.options.get(NAME, {})
    if not options.get("skipCrds"):
        yield "--include-crds"
    if options.get("skipSchemaValidation"):
        require(tool, SKIP_SCHEMA_VALIDATION)
        yield "--skip-schema-validation"
    if options.get("skipTests"):
        yield "--skip-tests"
    yield from cast("tuple[str, ...]", options.get("extraFlags", ()))  # the policy has seen them


def escape(value: str) -> str:
    """Escape the commas of a `--set` value as Argo CD does: `{a,b}` is a list, a comma elsewhere is text."""
    if value.startswith("{") and value.endswith("}"):
        return value
    return _COMMA.sub(r"\\,", value)


def _in_terms_of_the_repository(stderr: bytes, work: Work) -> str:
    said = stderr.decode(errors="replace")
    for name, pipe in work.layers:
        said = re.sub(rf"{re.escape(pipe.path)}\b", lambda _, name=name: name, said)  # type: ignore[misc]
    said = said.replace(f"{work.folder}/", "").replace(work.folder, ".")
    return "\n".join(line for line in said.splitlines() if line.strip() and line.strip() != _ADVICE)


def _warning(line: str) -> str:
    return "helm: " + _LOG.sub("", line).rstrip('"')


def _refusal(result: Result, tool: Tool, said: str, instance: Instance) -> EngineError:
    name = f"helm {tool.version}"
    if result.returncode < 0:
        return EngineError(f"{name} was killed by signal {-result.returncode}", is_external=True)
    if not said:
        return EngineError(f"{name} exited with status {result.returncode} and said nothing")
    said = said.removeprefix("Error: ")
    told = said.replace("\n", "\n  ")  # what follows the first line must not look like the next part of the error
    return EngineError(f"{name}: {told}", file=place(said, instance.folder))
