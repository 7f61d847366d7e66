"""Helmfiles, rendered by `helmfile template` from private copies of what they read.

options.py   environment, selectors, state values     sources.py   which files a helmfile can come to
template.py  Go templates as text                      state.py     what a state asks for
scan.py      the look at all texts before it runs      built.py     what helmfile has made of the states
charts.py    where charts come from                    rewrite.py   the states that are rendered in the end
program.py   helmfile itself, behind the wall          decrypt.py   helm's plugin `secrets`, as helmfile calls it
messages.py  what it says                               setvalues.py  state values that are set one by one

A helmfile may run programs and read any file, and helmfile does much of that while it reads.  So the texts are looked
at first; then what `helmfile list` makes of templates, for that runs no hook; then `helmfile build` says which charts
are wanted; and `helmfile template` gets states that need nothing from the network.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.engines.features import require_helm
from cmp.engines.helmfile import built, charts, options, rewrite, sources
from cmp.engines.helmfile.messages import Words
from cmp.engines.helmfile.program import Program
from cmp.engines.helmfile.scan import REF, Scanner
from cmp.engines.protocol import PRIVATE_FILES, EngineOutput, Needs
from cmp.engines.registry import HELM, HELMFILE
from cmp.system import sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.engines.helmfile.sources import Sources
    from cmp.engines.protocol import InputProvider, Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses
    from cmp.system.tree import Tree

NAME = HELMFILE
NOISE: tuple[re.Pattern[str], ...] = (
    re.compile(
        r"(Adding repo|Templating release=|Decrypting secret|Building dependency|Comparing release=|Affected) ?.*"
    ),
    re.compile(r"(Pulling|Pulled|Digest|Downloading|Saving|Deleting outdated)\b.*"),
    re.compile(r"(Hang tight|Update Complete|\.\.\.Successfully got|Getting updates for).*"),
    re.compile(r"(level=|time=|WARNING|warning:|W\d{4} |coalesce\.go|walk\.go).*"),
)


def needs(tree: Tree, instance: Instance) -> Needs:
    """Ask for helmfile and helm, private copies of all that the helmfile can read, and the plaintext of it.

    ToolError for a helm that helmfile cannot run; ConfigError for a path that is known only while rendering.
    """
    pins = {NAME: instance.pins[NAME], HELM: options.helm_pin(instance)}
    require_helm(pins[NAME], pins[HELM], "`helmfile: {helmVersion: …}` in cmp-app.yaml")
    environment = options.of(instance).environment
    found = sources.read(tree, instance.folder, environment)
    return Needs(
        tools=pins,
        chart_folders=found.charts,
        encryptable_files=dict.fromkeys(found.files, ()),
        private_copies=found.outside,
        read_paths=(instance.folder, *found.outside, *found.charts),
        needs_whole_tree=True,
        layer_transport=PRIVATE_FILES,
        analysis=found,
        discover_remote_charts=partial(charts.literal, tree, found.files, environment),
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return what runs helmfile: it reads everything at once and cannot wait for what is not in place."""
    found, asked = cast("Sources", work.analysis), options.of(instance)

    def finish() -> EngineOutput:
        require_wall(work.provider)
        scanner = Scanner(work, found.outside, asked.environment)
        has_templates = scanner.scan()
        program = Program(instance, work, processes, asked, frozenset(scanner.features))
        given = _given(instance, work, asked)
        if has_templates:
            program = _look_at_rendered(program, scanner, given)
        written = rewrite.write(_built(program, given), instance, work, asked)
        result = program.run("template", *_flags(instance, asked), "--file", written.path, names=written.names)
        words = Words(result.stderr, work, instance.folder, written.names)
        return EngineOutput(result.stdout, tuple(words.warnings()))

    return finish


def require_wall(supply: InputProvider) -> None:
    """ConfigError where the kernel lacks a wall for files or for TCP and the policy does not allow `ref+…`.

    A template can put such a reference together from pieces, and YAML can spell it by escapes, which no look at the
    texts finds; vals then reads any file, a key among them, or asks any host, such as the one with the node's identity.
    """
    known = sandbox.version()
    if known < sandbox.TCP_SINCE:
        lacks, could = ("Landlock for TCP", "reach any host") if known else ("Landlock", "read any file")
        supply.permit(REF, f"helmfile on a kernel without {lacks}, where its templates could {could},")


def _given(instance: Instance, work: Work, asked: options.Options) -> tuple[str, ...]:
    """Return the flags for the values that a state sees beside its own, the strongest last."""
    files = [path for _, path in work.layer_files]
    for number, values in enumerate(filter(None, options.state_values(asked, instance))):
        files.append(f"{work.scratch}/state-values-{number}.yaml")
        with open(files[-1], "wb") as file:
            file.write(yamldoc.dump_all([values]))
    return tuple(text for path in files for text in ("--state-values-file", path))


def _look_at_rendered(program: Program, scanner: Scanner, given: tuple[str, ...]) -> Program:
    """Look at the states as templates make them; `list` without charts runs no hook and fetches nothing."""
    result = program.attempt("--debug", "--skip-charts", *given, verb="list")
    if result.returncode != 0:
        program.run("list", "--skip-charts", *given)  # says why, and nothing else
    work = program.work
    for path, text in built.rendered(result.stderr.decode(errors="replace"), work.folder):
        scanner.state(text, os.path.relpath(path, work.root), is_rendered=True)
    return program._replace(features=frozenset(scanner.features))


def _built(program: Program, given: tuple[str, ...]) -> list[built.State]:
    """Return what helmfile makes of the states; also releases that the selectors leave out, for they order others."""
    given = (*given, "--chart", rewrite.stub(program.work))
    states = built.states(program.run("build", *given).stdout)
    if not program.options.selectors:
        return states
    selectors = (text for selector in program.options.selectors for text in ("--selector", selector))
    return built.select(states, built.states(program.run("build", *given, *selectors).stdout))


def _flags(instance: Instance, asked: options.Options) -> tuple[str, ...]:
    return (
        "--skip-deps",
        *(("--selector", f"{rewrite.SELECTED}=true") if asked.selectors else ()),
        *(() if asked.skip_crds else ("--include-crds",)),
        *(("--skip-tests",) if asked.skip_tests else ()),
        *(("--kube-version", instance.kube_version) if instance.kube_version else ()),
    )
