"""ApplicationSets, read without a cluster: the Applications that the ApplicationSet controller would create.

    specification.py   the keys that count, and their types
    generators.py      generators: list, clusters, git, matrix, merge, and selectors beside them
    git.py             folders and files of the repository          selector.py   label selectors
    templates.py       templates in texts: flat ones here, Go's as jobs
    batching.py        all jobs that wait -> one chart -> what Helm prints        gotemplate.py  Go's -> Helm's
    build.py           template and parameters -> an Application, if the controller would create it
    merging.py         the controller's ways to merge               gotypes.py    parameters as Go has them

Where only Argo CD knows the result, the whole set is an error with file and line (docs/applicationsets.md).
Source: argoproj/argo-cd 3.2 to 3.6, applicationset/, with which tests/argocd compares it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.sets.batching import Render, evaluate, evaluator, gather
from cmp.argocd.sets.build import admitted, application, name_of
from cmp.argocd.sets.generators import InventoryGapError, Sources, generate
from cmp.argocd.sets.git import Listing
from cmp.argocd.sets.gotypes import as_text, flattened
from cmp.argocd.sets.merging import filled
from cmp.argocd.sets.specification import SPEC_OF_SET, require
from cmp.argocd.sets.templates import Mode
from cmp.argocd.settings import NEWEST
from cmp.errors import ConfigError
from cmp.schema.json_node import JsonNode
from cmp.versions import numbers
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.argocd.document import Manifest
    from cmp.argocd.sets.batching import Batched
    from cmp.argocd.sets.gotypes import Parameters
    from cmp.model import Cluster
    from cmp.schema.json_node import SourceLocation
    from cmp.system.tree import Tree

    Values = dict[str, object]

__all__ = ["Expanded", "InventoryGapError", "World", "evaluator", "expand"]


class World(NamedTuple):
    """The surroundings of ApplicationSets: the repository from its top, the inventory, an evaluator of Go templates.

    `render` prints files of a chart's templates/ by their names (`evaluator`).  `namespace` is Argo CD's.  With
    `repositories`, the names of this one (`urls.repository_name`), git generators of another are refused; without, all
    are taken for those of `tree`.  `version` is that of Argo CD.
    """

    tree: Tree
    clusters: Sequence[Cluster]
    render: Render
    namespace: str = "argocd"
    repositories: tuple[str, ...] = ()
    version: str = NEWEST


class Expanded(NamedTuple):
    """The Applications of a set, sorted by name, as the controller would create them.

    `location` is that of the set.  With an `error` it has no Application: the controller would create, change and
    delete nothing for this set until that is mended.  `refused` says why it would not create single Applications, by
    their names; where these exist, it neither changes nor deletes them.  `parameters` are those of each Application,
    as texts by their paths (`metadata.labels.env`).
    """

    name: str
    location: SourceLocation
    applications: tuple[dict[str, object], ...]
    error: ConfigError | None
    refused: Mapping[str, str] = {}
    parameters: tuple[Mapping[str, str], ...] = ()


def expand(sets: Sequence[Manifest], world: World) -> list[Expanded]:
    """Expand ApplicationSets; all their Go templates that can be evaluated together are (`batching`), in one call."""
    listing = Listing(world.tree)
    results = evaluate([_applications(manifest, world, listing) for manifest in sets], world.render)
    expanded = [_expanded(manifest, result) for manifest, result in zip(sets, results, strict=True)]
    return sorted(expanded, key=lambda one: one.name)


def _expanded(manifest: Manifest, result: list[tuple[Values, Parameters]] | ConfigError) -> Expanded:
    name, location = manifest.names[0], manifest.location
    if isinstance(result, ConfigError):
        if not result.is_external:  # Argo CD knows what is not here, and goes on
            hint = f"the ApplicationSet {name} would stop updating"
            result.hint = f"{result.hint}; {hint}" if result.hint else hint
        return Expanded(name, location, (), result)
    applications, refused = admitted(value for value, _ in result)
    given = {name_of(value): parameters for value, parameters in result}
    texts = tuple(_as_texts(given[name_of(value)]) for value in applications)
    return Expanded(name, location, tuple(applications), None, refused, texts)


def _as_texts(parameters: Parameters) -> dict[str, str]:
    return {path: as_text(value) for path, value in flattened(parameters).items()}


def _applications(manifest: Manifest, world: World, listing: Listing) -> Batched[list[tuple[Values, Parameters]]]:
    location = manifest.location
    at = location.inner("spec")
    node = JsonNode(manifest.value.get("spec"), at)
    require(SPEC_OF_SET, node, "ApplicationSet")
    spec = SPEC_OF_SET.build(node)
    mode = Mode.of(spec, location)
    sources = Sources(listing, world.repositories, world.clusters, mode, numbers(world.version))
    entries = yield from gather(
        generate(entry, at.inner("generators", index), sources) for index, entry in enumerate(spec.generators)
    )
    asked = [
        (template, parameters)
        for entry in entries
        for generated in entry
        for template in (filled(generated.template, spec.template),)
        for parameters in generated.parameters
    ]
    built = yield from gather(application(spec, template, parameters, mode, location) for template, parameters in asked)
    namespace = str(manifest.metadata.get("namespace") or world.namespace)
    return [
        ({**value, "metadata": {**mapping(value["metadata"]), "namespace": namespace}}, parameters)
        for value, (_, parameters) in zip(built, asked, strict=True)
    ]
