"""ApplicationSets, read without a cluster: the Applications that the ApplicationSet controller would create.

    collect.py     the Applications and ApplicationSets of a repository
    generate.py    generators: which there are, matrix, merge, selectors
    terminal.py    list, clusters, git: what they see of the world     git.py  match.py  selector.py
    replace.py     templates in texts: flat ones here, Go's as jobs    work.py
    evaluate.py    all jobs that wait -> one chart -> what they print  gotemplate.py  functions.py  helm.py
    build.py       template and parameters -> an Application           admission.py
    merging.py     the controller's ways to merge                      values.py  shapes.py

What cannot be said for sure without Argo CD is an error of the whole set, with file and line (docs/applicationsets.md).
Source: argoproj/argo-cd 3.2, applicationset/, with which tests/argocd compares it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.argocd.document import Found
from cmp.argocd.sets.admission import admitted
from cmp.argocd.sets.build import application
from cmp.argocd.sets.collect import Declared, applications_in
from cmp.argocd.sets.evaluate import evaluate
from cmp.argocd.sets.generate import generate
from cmp.argocd.sets.git import Listing
from cmp.argocd.sets.helm import evaluator
from cmp.argocd.sets.replace import Mode
from cmp.argocd.sets.shapes import SPEC_OF_SET, check
from cmp.argocd.sets.terminal import Sources
from cmp.argocd.sets.work import Render, together
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.argocd.sets.work import Work
    from cmp.argocd.shape import Spot
    from cmp.model import Cluster
    from cmp.system.tree import Tree

    Values = dict[str, object]

__all__ = ["Declared", "Expanded", "Found", "World", "applications_in", "evaluator", "expand"]


class World(NamedTuple):
    """What ApplicationSets see: the repository from its top, the inventory, and who evaluates Go templates.

    `render` prints files of a chart's templates/ by their names (`evaluator`).  `namespace` is Argo CD's.  With
    `repository`, a URL, git generators of another one are refused; without, all are taken for those of `tree`.
    """

    tree: Tree
    clusters: Sequence[Cluster]
    render: Render
    namespace: str = "argocd"
    repository: str = ""


class Expanded(NamedTuple):
    """The Applications of a set, sorted by name, as the controller would create them.

    With an `error` there are none: the controller would create, change and delete nothing for this set until that is
    mended.  `notes` are sentences about single Applications that it would not create.
    """

    name: str
    applications: tuple[dict[str, object], ...]
    error: ConfigError | None
    notes: tuple[str, ...] = ()


def expand(sets: Sequence[Found], world: World) -> list[Expanded]:
    """Expand ApplicationSets; all their Go templates that can be evaluated together are (`work`), in one call."""
    listing = Listing(world.tree)
    results = evaluate([_applications(each, world, listing) for each in sets], world.render)
    return sorted(
        (_expanded(each, result) for each, result in zip(sets, results, strict=True)), key=lambda one: one.name
    )


def _expanded(found: Found, result: list[Values] | ConfigError) -> Expanded:
    name = str(found.metadata.get("name") or "")
    if isinstance(result, ConfigError):
        hint = f"the ApplicationSet {name} would stop updating"
        result.hint = f"{result.hint}; {hint}" if result.hint else hint
        return Expanded(name, (), result)
    applications, notes = admitted(result)
    return Expanded(name, tuple(applications), None, tuple(notes))


def _applications(found: Found, world: World, listing: Listing) -> Work[list[Values]]:
    spec, at = _spec(found)
    mode = Mode.of(spec, found.spot)
    sources = Sources(listing, world.repository, world.clusters, mode)
    template = cast("Values", spec.get("template") or {})
    generators = cast("list[Values]", spec.get("generators") or [])
    generated = yield from together(
        generate(entry, template, at.inner("generators", index), sources) for index, entry in enumerate(generators)
    )
    built = yield from together(
        application(spec, own, parameters, mode, found.spot)
        for each in generated
        for own, several in each
        for parameters in several
    )
    namespace = str(found.metadata.get("namespace") or world.namespace)
    return [{**each, "metadata": {**cast("Values", each["metadata"]), "namespace": namespace}} for each in built]


def _spec(found: Found) -> tuple[Values, Spot]:
    spec, spot = found.value.get("spec"), found.spot.inner("spec")
    check(spec, SPEC_OF_SET, spot, "ApplicationSet")
    return cast("Values", spec), spot
