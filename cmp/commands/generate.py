"""`cmp generate`: the sidecar's call.  No arguments: Argo CD's environment and the working directory say everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import instances, parameters
from cmp.commands import Output
from cmp.commands.summary import summary, warn
from cmp.engines import FACTS
from cmp.instances import Request
from cmp.render import render

if TYPE_CHECKING:
    from cmp.commands import Invocation


def run(invocation: Invocation) -> Output:
    """Render what the environment names; one line on stderr on success."""
    context = invocation.context
    with context.phases.phase("layout"):
        tree, folder = instances.open_sidecar(invocation.cwd, invocation.build_env)
        request = Request(
            app="",
            cluster="",
            folder=folder,
            parameters=parameters.read(invocation.plugin_env),
            build_env=invocation.build_env,
            locked_cluster=context.settings.cluster,
            in_sidecar=True,
        )
        instance = instances.resolve(tree, request, FACTS)
    done = render(tree, instance, context)
    warn(done, context)
    return Output(done.rendered.text, summary=summary(done, context))
