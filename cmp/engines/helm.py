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
from cmp.engines.stderr import indented, unexplained
from cmp.errors import EngineError
from cmp.system.process import Command
from cmp.system.sandbox import NAMES, Access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.engines.protocol import Work
    from cmp.model import Instance, Tool
    from cmp.system.process import ChildProcesses
    from cmp.system.tree import Tree

NAME = HELM
NOISE: tuple[re.Pattern[str], ...] = (
    # Helm 4 reports pulled charts on stdout.
    re.compile(r"(Pulled|Digest): \S+"),
    re.compile(r"(level=|time=).*"),
    re.compile(r"(WARNING|W\d{4} ).*"),
)

ENABLE_DNS = "--enable-dns"  # of `extraFlags`; without it `getHostByName` gives an empty text

_COMMA = re.compile(r"(?<!\\),")
_LOG = re.compile(r'^(?:\w+\.go:\d+: |level=\w+ msg="?)(?:warning: )?')  # the begin of a log line, Helm 3 and 4
_ADVICE = "Use --debug flag to render out invalid YAML"  # of no use to the reader of a status in Argo CD

_VALUES_ERROR = re.compile(r"failed to parse (.+?): .*yaml: line (\d+)")
_CHART_ERROR = re.compile(r"cannot load (Chart\.yaml|values\.yaml): .*yaml: line (\d+)")
_OUTPUT_ERROR = re.compile(r"YAML parse error on ([^\s:]+):")
# As `(FILE:4)`, `template: FILE:4:11:` and, with Helm 4, on a line of its own.
_TEMPLATE = re.compile(r"(?:^|\(|template: )([^\s():]+/templates/[^\s():]+):(\d+)(?::\d+)?(?=[):]|$)", re.MULTILINE)


def needs(_: Tree, instance: Instance) -> Needs:
    """Ask for helm, and for the dependencies of the chart itself."""
    return Needs(
        tools={NAME: instance.pins[NAME]},
        chart_folders=(instance.folder,),
        read_paths=(instance.folder,),
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
        message = _in_terms_of_the_repository(result.stderr, work)
        if result.returncode != 0:
            raise _error(tool, result.returncode, message, instance.folder)
        warnings = ("helm: " + _LOG.sub("", line).rstrip('"') for line in message.splitlines())
        return EngineOutput(result.stdout, tuple(warnings))

    return finish


def environment(plain: Mapping[str, str], home: str) -> dict[str, str]:
    """Return an environment in which Helm finds no file of the user: no plugins, no repositories, no credentials."""
    return {
        **plain,
        "HOME": home,
        **{f"HELM_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")},
    }


def _flags(instance: Instance, tool: Tool, values_files: list[str]) -> Iterator[str]:
    yield from ("--name-template", instance.release)
    if instance.namespace:
        yield from ("--namespace", instance.namespace)
    if instance.kube_version:
        yield from ("--kube-version", instance.kube_version)
    for key, value in instance.parameters.set_values:
        yield from ("--set", f"{key}={_escaped(value)}")
    for key, value in instance.parameters.set_strings:
        yield from ("--set-string", f"{key}={_escaped(value)}")
    for path in values_files:
        yield from ("--values", path)
    for version in instance.api_versions:
        yield from ("--api-versions", version)
    options = HelmOptions(instance.options)
    if not options.skip_crds:
        yield "--include-crds"
    if options.skip_schema_validation:
        require(tool, SKIP_SCHEMA_VALIDATION)
        yield "--skip-schema-validation"
    if options.skip_tests:
        yield "--skip-tests"
    yield from options.extra_flags  # the policy has seen them


def _escaped(value: str) -> str:
    """Escape the commas of a `--set` value as Argo CD does: `{a,b}` is a list, a comma elsewhere is text."""
    if value.startswith("{") and value.endswith("}"):
        return value
    return _COMMA.sub(r"\\,", value)


def _in_terms_of_the_repository(stderr: bytes, work: Work) -> str:
    """Return helm's message with the repository's names of layers and files, without empty lines and its advice."""
    message = stderr.decode(errors="replace")
    for name, memory_file in work.layers:
        message = re.sub(rf"{re.escape(memory_file.path)}\b", lambda _, name=name: name, message)  # type: ignore[misc]
    message = message.replace(f"{work.folder}/", "").replace(work.folder, ".")
    return "\n".join(line for line in message.splitlines() if line.strip() and line.strip() != _ADVICE)


def _error(tool: Tool, status: int, message: str, folder: str) -> EngineError:
    program = f"helm {tool.version}"
    message_of_helm = message.removeprefix("Error: ")
    return unexplained(program, status, message) or EngineError(
        f"{program}: {indented(message_of_helm)}", file=place(message_of_helm, folder)
    )


def place(message: str, folder: str) -> str:
    """Return `file` or `file:line` of helm's error about the chart in `folder`; empty where it names no file.

    Values layers have the repository's names in the message.
    """
    if values := _VALUES_ERROR.match(message):
        return f"{values[1]}:{values[2]}"
    if file := _CHART_ERROR.match(message):
        return f"{folder}/{file[1]}:{file[2]}"
    if message.startswith("validation: chart.metadata"):
        return f"{folder}/Chart.yaml"
    if output := _OUTPUT_ERROR.match(message):
        return _template_path(output[1], folder)
    if templates := _TEMPLATE.findall(message):
        # Of templates that include each other the last is the innermost; but `fail` quotes its author behind the first.
        template, line = templates[0] if message.startswith("execution error") else templates[-1]
        return f"{_template_path(template, folder)}:{line}"
    return ""


def _template_path(template: str, folder: str) -> str:
    """Translate Helm's name, which begins with the chart's, when the template is the application's own."""
    inside_chart = template.partition("/")[2]
    return f"{folder}/{inside_chart}" if inside_chart.startswith("templates/") else template
