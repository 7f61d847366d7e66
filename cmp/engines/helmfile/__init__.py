"""Helmfiles, rendered by `helmfile template` from private copies of what they read.

options.py   environment, selectors and state values
sources.py   the files that a helmfile can read
template.py  Go templates as text
state.py     the check of a state
scan.py      the scan of all texts before helmfile runs
program.py   helmfile in the sandbox, and its error messages
releases.py  the releases of built states, and their charts
rewrite.py   the states that helmfile renders

A helmfile may run programs and read any file, and helmfile does much of that while it reads.  So the texts are scanned
first; then the states as `helmfile list` renders them, for that runs no hook; then `helmfile build` prints the charts
of the releases; and `helmfile template` gets states that need nothing from the network.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.engines.features import require_helm
from cmp.engines.helm_messages import require_whole
from cmp.engines.helmfile import releases, rewrite, sources
from cmp.engines.helmfile.options import FilledOptions, helm_pin, options_of, state_values
from cmp.engines.helmfile.program import Program, StderrParser
from cmp.engines.helmfile.scan import Scanner
from cmp.engines.helmfile.state import EXEC, REF
from cmp.engines.protocol import PRIVATE_FILES, EngineOutput, Needs
from cmp.engines.registry import HELM, HELMFILE
from cmp.system import sandbox
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.engines.helmfile.sources import Sources
    from cmp.engines.protocol import InputProvider, Work
    from cmp.model import Instance, Tool
    from cmp.system.process import ChildProcesses
    from cmp.system.tree import Tree

NAME = HELMFILE
WITHOUT_EXEC = (1, 1, 7)  # the newest known version whose vals (0.42.1) has no `ref+exec`; that of 1.8.0 (0.46.1) has
NOISE: tuple[re.Pattern[str], ...] = (
    re.compile(
        r"(Adding repo|Templating release=|Decrypting secret|Building dependency|Comparing release=|Affected) ?.*"
    ),
    re.compile(r"(Pulling|Pulled|Digest|Downloading|Saving|Deleting outdated)\b.*"),
    re.compile(r"(Hang tight|Update Complete|\.\.\.Successfully got|Getting updates for).*"),
    re.compile(r"(level=|time=|WARNING|warning:|W\d{4} |coalesce\.go|walk\.go).*"),
)


def needs(tree: Tree, instance: Instance) -> Needs:
    """Ask for helmfile and helm, private copies of all files that the helmfile can read, and their plaintext.

    ToolError for a helm that helmfile cannot run; ConfigError for a path that is known only while rendering.
    """
    pins = {NAME: instance.pins[NAME], HELM: helm_pin(instance)}
    require_helm(pins[NAME], pins[HELM], "`helmfile: {helmVersion: …}` in cmp-app.yaml")
    environment = options_of(instance).environment
    files = sources.read(tree, instance.folder, environment)
    return Needs(
        tools=pins,
        chart_folders=files.charts,
        encryptable_files=dict.fromkeys(files.files, ()),
        object_files=frozenset(files.files),
        private_copies=files.outside,
        read_paths=(instance.folder, *files.outside, *files.charts),
        needs_whole_tree=True,
        layer_transport=PRIVATE_FILES,
        analysis=files,
        discover_remote_charts=partial(releases.literal_chart_refs, tree, files.files, environment),
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return the function that runs helmfile: it reads everything at once and cannot wait for the start gate."""
    files, options = cast("Sources", work.analysis), options_of(instance)

    def finish() -> EngineOutput:
        require_sandbox(work.provider, work.tools[NAME])
        scanner = Scanner(work, files.outside, options)
        has_templates = scanner.scan()
        program = Program(
            instance=instance,
            work=work,
            processes=processes,
            options=options,
            features=frozenset(scanner.features),
        )
        state_flags = _state_flags(instance, work, options)
        if has_templates:
            program = _scan_rendered(program, scanner, state_flags)
        written = rewrite.write(_built(program, state_flags), instance, work, options)
        result = program.run("template", *_flags(instance, options), "--file", written.path, names=written.names)
        require_whole(result.stdout, f"helm {work.tools[HELM].version}")
        parser = StderrParser(result.stderr, work, instance.folder, written.names)
        return EngineOutput(result.stdout, (*scanner.warnings, *parser.warnings()))

    return finish


def require_sandbox(provider: InputProvider, helmfile: Tool) -> None:
    """ConfigError where the kernel cannot confine files or TCP, and nobody allows `ref+…`.

    A template can put such a reference together from pieces, and YAML can spell it by escapes, which no scan of the
    texts finds; vals then reads any file, a key among them, or asks any host, such as the one with the node's identity.
    The vals of newer versions also runs any program (`ref+exec`).
    """
    version = sandbox.version()
    if version < sandbox.TCP_SINCE:
        lacks, could = ("Landlock for TCP", "reach any host") if version else ("Landlock", "read any file")
        provider.permit_unconfined(REF, f"helmfile on a kernel without {lacks}, where its templates could {could},")
    if not version and numbers(helmfile.version) > WITHOUT_EXEC:
        what = f"helmfile {helmfile.version} on a kernel without Landlock, where its templates could run any program,"
        provider.permit_unconfined(EXEC, what)


def _state_flags(instance: Instance, work: Work, options: FilledOptions) -> tuple[str, ...]:
    """Return the flags for the file of the state and for the values that it sees beside its own, the strongest last."""
    files = [path for _, path in work.layer_files]
    for number, values in enumerate(filter(None, state_values(options, instance))):
        files.append(f"{work.scratch}/state-values-{number}.yaml")
        with open(files[-1], "wb") as file:
            file.write(yamldoc.dump_all([values]))
    flags = (text for path in files for text in ("--state-values-file", path))
    return (*(("--file", options.file) if options.file else ()), *flags)


def _scan_rendered(program: Program, scanner: Scanner, state_flags: tuple[str, ...]) -> Program:
    """Check the states as their templates render them; `list` without charts runs no hook and fetches nothing."""
    result = program.attempt("--debug", "--skip-charts", *state_flags, verb="list")
    if result.returncode != 0:
        program.run("list", "--skip-charts", *state_flags)  # says why, and nothing else
    work = program.work
    for path, text in releases.rendered_texts(result.stderr.decode(errors="replace"), work.folder):
        scanner.state(text, os.path.relpath(path, work.root), is_rendered=True)
    return program._replace(features=frozenset(scanner.features))


def _built(program: Program, state_flags: tuple[str, ...]) -> list[releases.BuiltState]:
    """Return the states that helmfile builds; also releases that the selectors leave out, for they order others."""
    flags = (*state_flags, "--chart", rewrite.stub(program.work))
    states = releases.built_states(program.run("build", *flags).stdout)
    if not program.options.selectors:
        return states
    selectors = (text for selector in program.options.selectors for text in ("--selector", selector))
    return releases.select(states, releases.built_states(program.run("build", *flags, *selectors).stdout))


def _flags(instance: Instance, options: FilledOptions) -> tuple[str, ...]:
    return (
        "--skip-deps",
        *(("--selector", f"{rewrite.SELECTED}=true") if options.selectors else ()),
        *(() if options.skip_crds else ("--include-crds",)),
        *(("--skip-tests",) if options.skip_tests else ()),
        *(("--kube-version", instance.kube_version) if instance.kube_version else ()),
    )
