"""`cmp generate`: the sidecar's call, without arguments: Argo CD sets its environment and working directory."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from cmp.cli import Output
from cmp.cli.summary import summary, warn
from cmp.engines import ENGINES
from cmp.errors import CmpError, Interrupted
from cmp.render.pipeline import render
from cmp.repository import instances
from cmp.system.locks import turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.cli import Invocation


def run(invocation: Invocation) -> Output:
    """Render the Application that the environment names; one line on stderr on success."""
    with _turn(invocation):
        return _render(invocation)


@contextmanager
def _turn(invocation: Invocation) -> Iterator[None]:
    """Wait for a place among the renders at once, while nothing is in memory yet."""
    settings, phases = invocation.context.settings, invocation.context.phases
    with ExitStack() as stack:
        try:
            with phases.phase("turn"):
                queue = turn(os.path.join(settings.state_dir, "renders"), settings.renders, invocation.context.deadline)
                is_bounded = stack.enter_context(queue)
        except (CmpError, Interrupted) as error:
            raise error.locate(application=invocation.build_env.app_name) from None
        if not is_bounded:
            invocation.context.log.warning("renders at once are not limited: CMP_STATE_DIR cannot be written")
        yield


def _render(invocation: Invocation) -> Output:
    context = invocation.context
    with context.phases.phase("layout"):
        tree, request = instances.sidecar_request(
            invocation.cwd, invocation.build_env, invocation.plugin_env, context.settings.cluster
        )
        instance = instances.resolve(tree, request, ENGINES)
    done = render(tree, instance, context)
    warn(done, context)
    return Output(done.output.yaml, summary=summary(done, context))
