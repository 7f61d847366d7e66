"""Run helmfile, behind the wall."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.helm import environment
from cmp.engines.helmfile import decrypt, messages
from cmp.engines.registry import HELM, HELMFILE
from cmp.system.process import Command
from cmp.system.sandbox import Access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.helmfile.options import Options
    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses, Result


class Program(NamedTuple):
    """Helmfile for one render; `features` are those that the policy allows and the helmfile uses."""

    instance: Instance
    work: Work
    processes: ChildProcesses
    options: Options
    features: frozenset[str]

    def run(self, verb: str, *flags: str, names: Mapping[str, str] | None = None) -> Result:
        """Run it to its end; EngineError when it refuses, in which files are called as in `names`."""
        result = self.attempt("--quiet", *flags, verb=verb)
        if result.returncode != 0:
            tools = self.work.tools
            words = messages.Words(result.stderr, self.work, self.instance.folder, names or {})
            raise words.refusal(result.returncode, tools[HELMFILE].version, tools[HELM].version)
        return result

    def attempt(self, *flags: str, verb: str) -> Result:
        """Run it to its end, whatever that is."""
        tools = self.work.tools
        command = Command(
            label=f"helmfile {verb}",
            argv=(
                *(tools[HELMFILE].path, verb, "--no-color", "--helm-binary", tools[HELM].path),
                *("--environment", self.options.environment, *flags),
            ),
            env=self._environment(),
            cwd=self.work.folder,
            access=None if self.features else self._access(),
            place=self.instance.folder,
        )
        return self.processes.wait(self.processes.start(command))[0]

    def _environment(self) -> Mapping[str, str]:
        """Return an environment in which it fetches nothing and finds no program; not so where the policy says more."""
        work = self.work
        own = {
            "TMPDIR": work.scratch,
            "HELMFILE_TEMPDIR": work.scratch,
            "HELMFILE_CACHE_HOME": f"{work.home}/helmfile",
            "HELMFILE_UPGRADE_NOTICE_DISABLED": "1",
            "HELM_PLUGINS": decrypt.plugins(work.scratch),
            **({} if self.features else {"PATH": ""}),
            **({} if "helmfile.exec" in self.features else {"HELMFILE_DISABLE_INSECURE_FEATURES": "1"}),
        }
        return {**environment(work.env, work.home), **own}

    def _access(self) -> Access:
        """Return the private folder and the programs, without the tree: what it may read was copied.

        One of the programs is Python, for the plugin; it needs its own library.
        """
        access = self.work.access
        python, library = os.path.realpath(sys.executable), os.path.dirname(os.path.dirname(os.__file__))
        return Access((*access.programs, python), (library,), access.writes)
