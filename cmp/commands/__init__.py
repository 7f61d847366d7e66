"""The verbs of the command line, one module each: parse, call, return an `Output`; no policy, no print."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.context import Context
    from cmp.model import BuildEnv


class Output(NamedTuple):
    """What a command gives back: the bytes for stdout and the exit code; `cli` alone writes them.

    `summary` is a line for stderr, of our own words, once stdout has everything: before that, nothing has succeeded.
    """

    stdout: bytes = b""
    exit_code: int = 0
    summary: str = ""


class Invocation(NamedTuple):
    """What every command gets (`click.pass_obj`): the run's context, Argo CD's environment and the working directory.

    `plugin_env` holds the variables that carry an Application's parameters (`ARGOCD_APP_PARAMETERS`, `PARAM_*`,
    `ARGOCD_ENV_*`), for `cmp.parameters` to read by name.
    """

    context: Context
    build_env: BuildEnv
    plugin_env: Mapping[str, str]
    cwd: str
