"""Helm's merged values of a pair, from the pinned Helm itself, and the origin of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines import helm
from cmp.engines.registry import HELM
from cmp.errors import ConfigError
from cmp.render.pipeline import DEFAULT_OPTIONS, located, open_session, unpinned
from cmp.render.values_use.charts import Texts, strings, use_of
from cmp.repository import values
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.context import Context
    from cmp.model import Instance
    from cmp.render.pipeline import RenderOptions
    from cmp.render.values_use.charts import ChartUse
    from cmp.repository.values import Origins
    from cmp.system.tree import Tree


class MergedValues(NamedTuple):
    """Helm's merged values, in which secrets are plaintext, and the origin of each.

    `given` are the names of what is no default of a chart: the layers, and options such as `--set image.tag`.
    `warnings` are of this render.  `use` returns what the chart reads, or None where nobody can
    tell.
    """

    values: object
    origins: Origins
    given: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    use: Callable[[], ChartUse | None] = lambda: None


def merge(tree: Tree, instance: Instance, context: Context, options: RenderOptions = DEFAULT_OPTIONS) -> MergedValues:
    """Ask Helm for the merged values with a chart that only prints them; ConfigError where no Helm renders."""
    if HELM not in instance.engines:
        raise ConfigError(
            f"{instance.engines[-1]} renders this application, and there are no Helm values",
            hint="`cmp render` shows what it makes of its parameters",
        ).locate(application=instance.app, cluster=instance.cluster)
    with (
        located(instance),
        open_session(tree, instance, context, options) as session,
        context.phases.phase("values"),
    ):
        session.complete(with_schemas=False)  # the chart that prints them has none
        copy = f"{session.work.chart_folder}-values"
        files = values.skeleton(session.work.chart_folder, copy)
        chart = values.whole(values.of_folder(session.work.chart_folder))
        printed = helm.start(instance, session.work._replace(chart_folder=copy), session.processes)()
    folder = values.title(files) if instance.chart else instance.chart_folder
    # JSON and not YAML: Helm prints some characters as they are that YAML forbids.
    _, _, text = printed.manifests.partition(b'{"values":')
    merged, _ = json.JSONDecoder().raw_decode(text.decode().lstrip())
    parameters = instance.parameters
    settings = [
        *(("--set", key) for key, _ in parameters.set_values),
        *(("--set-template", key) for key, _ in parameters.set_templates),
        *(("--set-string", key) for key, _ in parameters.set_strings),
    ]
    origins = values.Origins(
        merged,
        layers=[(layer.path, layer.data) for layer in session.layers],
        settings=settings,
        chart_defaults=values.defaults(files, join(folder, "values.yaml")),
    )
    given = frozenset((*(layer.path for layer in session.layers), *(f"{flag} {key}" for flag, key in settings)))
    return MergedValues(
        values=merged,
        origins=origins,
        given=given,
        warnings=(*printed.warnings, *unpinned(session.work.tools, session.pins)),
        use=lambda: use_of(chart, lambda: Texts((*strings(merged), *(text for _, text in parameters.set_pairs)))),
    )
