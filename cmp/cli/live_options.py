"""The options of `cmp diff` that make a cluster the older side, and the comparison that they ask for."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.changes import Revision
from cmp.cli import candidates, for_people, io
from cmp.cli.io import as_json
from cmp.errors import ConfigError, UsageError
from cmp.repository import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.changes import Report
    from cmp.cli import Invocation, Output
    from cmp.cli.revisions import Revisions, Sides
    from cmp.preview.comparison import Comparison
    from cmp.render.pipeline import RenderOptions

DIFFERS = 1
TABLES = ("text", "json")


class Live(NamedTuple):
    """The options' values."""

    is_asked: bool
    app: str
    cluster: str
    kube_context: str
    release: str
    shows_live: bool
    write_values: str
    is_all: bool

    def check(self, *, is_untrusted: bool, is_keyless: bool, against: str | None, output_format: str) -> None:
        """UsageError for options that do not go together."""
        if not self.is_asked:
            if self.app:
                raise UsageError(
                    f"an application is named with --live alone ({self.app})",
                    hint="without --live all applications are compared, in two revisions",
                )
            if any(self[1:]):
                raise UsageError(
                    "--cluster, --all and the other options of --live go with --live",
                    hint="without --live all applications are compared, in two revisions",
                )
            return
        if is_untrusted:
            raise UsageError(
                "--live and --untrusted exclude each other: a change by anybody gets no credentials of a cluster",
                hint="leave out one of them",
            )
        if is_keyless:
            raise UsageError(
                "--live and --keyless exclude each other: a release holds plaintext, every secret would differ",
                hint="leave out one of them",
            )
        if self.is_all and (self.app or self.release or output_format not in TABLES):
            raise UsageError(
                "--all is a table of all applications and releases: no APP, no --release, as text or json alone",
                hint="leave out --all for the report",
            )
        if self.write_values and not self.app:
            raise UsageError("--write-values is for one application", hint="name it: cmp diff APP --live")
        if against:
            raise UsageError("--live and --against name two things to compare with", hint="leave out one of them")

    def comparison(self, revisions: Revisions, sides: Sides, invocation: Invocation) -> tuple[Comparison, Revision]:
        """Return the pairs that are asked for, with their releases as the older side, and the name of that side."""
        from cmp.live import contexts, layer  # noqa: PLC0415  # no other comparison needs them
        from cmp.live.comparison import Chosen, against_all, against_releases, cluster_of  # noqa: PLC0415
        from cmp.live.releases import require_extra  # noqa: PLC0415

        require_extra()
        if self.write_values:
            layer.require_new(os.path.join(invocation.cwd, self.write_values))
        kubeconfig = contexts.read(invocation.context.settings.env.cluster, invocation.cwd)
        found = revisions.compared(sides, invocation)
        # The older side: no change may lead a reader's credentials to another cluster.
        cluster = cluster_of(found.head, self.cluster)
        known = found.base.repository.config.clusters.get(cluster)
        context = kubeconfig.choose(self.kube_context, known.context if known else "")
        chosen = Chosen(self.app, cluster, context, self._release(), self.shows_live)
        comparison = against_all(found, chosen, invocation.context) if self.is_all else against_releases(found, chosen)
        return comparison, Revision(f"live in context {context}", "", is_live=True)

    def write(self, comparison: Comparison, options: RenderOptions, invocation: Invocation) -> None:
        """Write what only the release has into the file that is asked for, and say what is left out of it."""
        from cmp.live import layer  # noqa: PLC0415
        from cmp.live.sides import LiveSide  # noqa: PLC0415

        base, context = comparison.base, invocation.context
        if not self.write_values or not isinstance(base, LiveSide):
            return
        path = os.path.join(invocation.cwd, self.write_values)
        for pair in base.pairs.values():  # one, as `_chosen` of the comparison has found for APP
            live = base.read(pair, context, options)
            if live.layer is None:
                raise ConfigError(
                    "helm does not render this application, so that no values can be compared",
                    hint="leave out --write-values",
                )
            left = [f"{key} is not written: it is secret" for key in live.layer.left_out]
            count = len([*values.flat(live.layer.values)]) if live.layer.values else 0
            if count:
                layer.write(path, live.layer, live.release, base.kube_context)
            told = (
                f"{count} value{'' if count == 1 else 's'} written to {self.write_values}"
                if count
                else (f"nothing is written to {self.write_values}: no value is only live")
            )
            for line in (told, *left):
                context.log.line(line)

    def table(self, comparison: Comparison, report: Report, output_format: str, exit_code: int) -> Output:
        """Return the table of all applications and releases; an application without a release is a difference."""
        from cmp.live import table  # noqa: PLC0415
        from cmp.live.sides import LiveSide  # noqa: PLC0415

        assert isinstance(comparison.base, LiveSide)  # noqa: S101  # `comparison` has made it
        rows = table.rows(comparison.base, report)
        exit_code = exit_code or (DIFFERS if any(row.state == table.NO_RELEASE for row in rows) else 0)
        if output_format == "json":
            return as_json([row._asdict() for row in rows], exit_code)
        return for_people(io.table([*table.cells(rows)]), exit_code)

    def report(self, report: Report) -> Report:
        """Return a report as it is, and with a cluster as the older side without counts of changed files."""
        counts = report.counts._replace(touched=0, effective=0) if self.is_asked else report.counts
        return report._replace(counts=counts)

    def _release(self) -> tuple[str, str] | None:
        if not self.release:
            return None
        namespace, slash, name = self.release.partition("/")
        if not (namespace and slash and name) or "/" in name:
            raise UsageError(f"--release {self.release}: expected NAMESPACE/RELEASE")
        return namespace, name

    def reproduce(self, *, is_work: bool) -> str:
        """Return the command that a report names."""
        words = (
            ("--cluster", self.cluster),
            ("--kube-context", self.kube_context),
            ("--release", self.release),
        )
        given = [f"{option} {value}" for option, value in words if value]
        given += ["--show-live-values"] if self.shows_live else []
        side = "--work-tree" if is_work else "--head {head}"
        return " ".join(["cmp diff", *filter(None, [self.app]), "--live", *given, side])


OPTIONS = (
    click.argument("app", required=False, default="", shell_complete=candidates.apps),
    click.option(
        "--live", "is_live", is_flag=True, help="Compare with the Helm releases in a cluster; with APP, that alone."
    ),
    click.option(
        "--all", "is_all", is_flag=True, help="With --live: a table of all applications and all releases of a cluster."
    ),
    click.option(
        "--cluster",
        default="",
        metavar="CLUSTER",
        shell_complete=candidates.clusters,
        help="With --live: the cluster, by its name in the repository.",
    ),
    click.option(
        "--kube-context",
        default="",
        metavar="CONTEXT",
        help="With --live: the context of your kubeconfig; without it, the cluster's in cmp.yaml, else the current.",
    ),
    click.option(
        "--release",
        default="",
        metavar="NAMESPACE/RELEASE",
        help="With --live and APP: the release, where Git gives it another name.",
    ),
    click.option(
        "--show-live-values",
        "shows_live",
        is_flag=True,
        help="With --live: show values that only the release has, but for secrets.",
    ),
    click.option(
        "--write-values",
        default="",
        metavar="FILE",
        shell_complete=candidates.files,
        help="With --live and APP: a new values file of what only the release has, but for secrets.",
    ),
)


def live_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command the options above, folded into one `live` argument."""

    @wraps(function)
    def folded(
        *,
        app: str,
        is_live: bool,
        cluster: str,
        kube_context: str,
        release: str,
        shows_live: bool,
        write_values: str,
        is_all: bool,
        **others: object,
    ) -> Output:
        live = Live(
            is_live,
            app=app,
            cluster=cluster,
            kube_context=kube_context,
            release=release,
            shows_live=shows_live,
            write_values=write_values,
            is_all=is_all,
        )
        return function(live=live, **others)

    for option in reversed(OPTIONS):
        folded = option(folded)
    return folded
