"""The commands, one module each, named like it: parse, call, return an `Output`; no policy, no print."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.context import Context
    from cmp.model import BuildEnv


class Output(NamedTuple):
    """The result of a command: the bytes for stdout and the exit code; `cli.main` alone writes them.

    `summary` is a line for stderr, of our own words, once stdout has everything: before that, nothing has succeeded.
    With `is_text` stdout is for a person, whose terminal shall obey nothing that a tree or a program has put in;
    without, it is data, and stays byte for byte.
    """

    stdout: bytes = b""
    exit_code: int = 0
    summary: str = ""
    is_text: bool = False


def for_people(lines: Iterable[str], exit_code: int = 0, summary: str = "") -> Output:
    """Return lines for a person."""
    data = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
    return Output(data, exit_code, summary, is_text=True)


class Invocation(NamedTuple):
    """The input of every command (`click.pass_obj`): the run's context, Argo CD's environment, the working directory.

    `plugin_env` holds the variables that carry an Application's parameters (`ARGOCD_APP_PARAMETERS`, `PARAM_*`,
    `ARGOCD_ENV_*`), for `cmp.argocd.parameters` to read by name.
    """

    context: Context
    build_env: BuildEnv
    plugin_env: Mapping[str, str]
    cwd: str
