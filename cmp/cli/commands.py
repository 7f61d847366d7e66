"""The table of commands; each is imported only when it is called, so that its dependencies cost no other command."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from cmp import __version__
from cmp.cli import Output
from cmp.cli.io import example
from cmp.errors import UsageError, suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.cli import Invocation

COMMANDS = {
    "affected": "List the applications and clusters that a change reaches.",
    "apps": "List every application and the clusters it runs on.",
    "cache": "Look at, fill, check and shrink the chart cache.",
    "check": "Judge what is rendered as its cluster would: schemas, removed APIs, policies.",
    "completion": "Print the script that lets your shell complete command lines of cmp.",
    "diff": "Show what a change does to the manifests of every application on every cluster.",
    "doctor": "Say what is installed, where settings come from, and what will go wrong.",
    "generate": "Render for Argo CD: the sidecar's call, without arguments.",
    "golden": "Compare rendered manifests with those that are kept in the repository.",
    "init": "Write a first cmp.yaml from the tree that is here.",
    "inventory": "Write the inventory from what Argo CD knows of its clusters.",
    "lock": "Write cmp.lock: every chart and tool with its digest.",
    "parameters": "Announce to Argo CD's UI what an Application may set: the sidecar's call, without arguments.",
    "paths": "Print the manifest-generate-paths annotation of every application, or check those that are there.",
    "pin": "Pin a tool's exact version for the repository, an application or an instance.",
    "render": "Render one application on one cluster.",
    "schema": "Print the JSON Schema of cmp.yaml or cmp-app.yaml.",
    "tools": "List, install and verify the pinned tools.",
    "values": "Show the merged values as Helm sees them.",
}

# Argo CD's calls reach their modules without click, whose import would cost more than they do: here for `--help` alone.
SIDECAR_COMMANDS = frozenset(("generate", "parameters"))


class CommandGroup(click.Group):
    """A group that knows its commands by name and imports one when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"cmp.cli.{cmd_name}")
        if cmd_name in SIDECAR_COMMANDS:
            return click.Command(
                cmd_name,
                callback=click.pass_obj(module.run),
                help=COMMANDS[cmd_name],
                epilog=example(
                    "cd clusters/dev-cluster/site",
                    f"ARGOCD_APP_SOURCE_PATH=clusters/dev-cluster/site cmp {cmd_name}",
                ),
            )
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            raise UsageError(f"there is no command {args[0]}", hint=suggestion(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the names of the commands that a person calls, or options; no module of a command is imported."""
        names = sorted(COMMANDS.keys() - SIDECAR_COMMANDS)
        found = [CompletionItem(name, help=COMMANDS[name]) for name in names if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example("cmp render payments --cluster dev-cluster"),
)
@click.version_option(__version__, prog_name="cmp", message="%(prog)s %(version)s")
def cmp() -> None:
    """Render Kubernetes manifests of a monorepo of many clusters, exactly as its Argo CD plugin does."""


def run(argv: Sequence[str], invocation: Invocation) -> Output:
    """Run the command that argv names; UsageError for a wrong command line."""
    try:
        result = cmp.main(list(argv), prog_name="cmp", standalone_mode=False, obj=invocation)
    except click.ClickException as error:
        ctx = getattr(error, "ctx", None)  # click does not always give one
        command = ctx.command_path if ctx else f"cmp {argv[0]}"
        raise UsageError(" ".join(error.format_message().split()), hint=f"see `{command} --help`") from None
    except click.Abort:
        raise UsageError("stopped: nothing was done") from None
    return result if isinstance(result, Output) else Output(exit_code=result if isinstance(result, int) else 0)
