"""Generators -> sets of parameters.

First those that look at the world: list, clusters, git; then matrix and merge, which combine others; and the selector
that may stand beside any generator.
Source: argoproj/argo-cd 3.6, applicationset/generators: list.go, cluster.go, git.go, repo_path_utils.go,
generator_spec_processor.go, matrix.go, merge.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp import yamldoc
from cmp.argocd.application import IN_CLUSTER, IN_CLUSTER_SERVER
from cmp.argocd.sets.batching import Batched, gather
from cmp.argocd.sets.git import Listing, directories, files
from cmp.argocd.sets.gotypes import Leaf, Parameters, Texts, as_text, flattened, normalized
from cmp.argocd.sets.merging import combined, merge_key, overlaid
from cmp.argocd.sets.selector import Selector
from cmp.argocd.sets.specification import (
    CLUSTERS,
    COMBINING,
    DEPTH,
    GIT,
    LIST,
    MATRIX_OR_MERGE,
    OUTSIDE,
    SELECTOR,
    WITH_VALUES,
)
from cmp.argocd.sets.templates import Mode, evaluate_known, evaluate_map, evaluate_texts
from cmp.argocd.settings import HIDDEN_ANNOTATIONS, SELECTED_TEXTS, WAITING_VALUES
from cmp.errors import ConfigError
from cmp.schema.json_node import JsonNode
from cmp.system.urls import repository_name
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.argocd.sets.specification import ClusterGenerator, CombiningGenerator, GitGenerator, ListGenerator
    from cmp.model import Cluster
    from cmp.schema.json_node import SourceLocation

    JsonMap = dict[str, object]

SECRET_TYPE = {"argocd.argoproj.io/secret-type": "cluster"}
OWN_ANNOTATIONS = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        *(f"argocd.argoproj.io/{name}" for name in ("refresh", "refresh-timestamp", "hydrate", "hydrate-timestamp")),
        *(f"argocd.argoproj.io/{name}" for name in ("tracking-id", "installation-id")),
    }
)
"""Annotations of a cluster's Secret that are no parameters: Argo CD and kubectl keep their own state in them."""


_NAMES = ("list", "clusters", "git", *OUTSIDE, *COMBINING)


class Sources(NamedTuple):
    """The files, the repository and the clusters that generators read, and the mode of the set's templates.

    `version` is that of Argo CD.
    """

    listing: Listing
    repositories: tuple[str, ...]
    clusters: Sequence[Cluster]
    mode: Mode
    version: tuple[int, ...]


class Generated(NamedTuple):
    """The sets of parameters of a generator, and its own template, which goes over that of the set."""

    template: Mapping[str, object]
    parameters: list[Parameters]


def generate(entry: JsonMap, location: SourceLocation, sources: Sources) -> Batched[list[Generated]]:
    """Return the parameters that each generator of an entry of the set gives."""
    names = _generator_names(entry, location)
    return (yield from gather(_selected(entry, name, location=location, sources=sources, depth=0) for name in names))


def _generator_names(entry: JsonMap, location: SourceLocation) -> list[str]:
    """Return the names of an entry's generators, in the controller's order."""
    for key in entry:
        if key not in (*_NAMES, "selector"):
            raise ConfigError(f"there is no generator {key}", file=location.inner(key).place)
    return [name for name in _NAMES if entry.get(name) is not None]


def _selected(entry: JsonMap, name: str, location: SourceLocation, sources: Sources, depth: int) -> Batched[Generated]:
    """Return those of the parameters of one generator that the entry's selector matches."""
    generated = yield from _generated(JsonNode(entry[name], location.inner(name)), name, sources=sources, depth=depth)
    if entry.get("selector") is None:
        return generated
    inner = location.inner("selector")
    selector = Selector(SELECTOR.build(JsonNode(entry["selector"], inner)), inner)
    has_texts = sources.version >= SELECTED_TEXTS
    selected = [
        parameters
        for parameters in generated.parameters
        if selector.matches({key: as_text(leaf) for key, leaf in flattened(parameters, has_texts=has_texts).items()})
    ]
    return generated._replace(parameters=selected)


def _generated(node: JsonNode, name: str, sources: Sources, depth: int) -> Batched[Generated]:
    location = node.location
    if name == "list":
        elements = LIST.build(node)
        return Generated(elements.template, _elements(elements, location, sources.mode))
    if name == "clusters":
        clusters = CLUSTERS.build(node)
        return Generated(clusters.template, (yield from _clusters(clusters, location, sources)))
    if name == "git":
        git = GIT.build(node)
        return Generated(git.template, (yield from _git(git, location, sources)))
    if name in OUTSIDE:
        raise ConfigError(
            f"the generator {name} cannot be expanded statically",
            file=location.place,
            hint="it asks something outside of the repository; give a snapshot of its Applications",
            is_external=True,
        )
    if depth >= DEPTH - 1:
        raise ConfigError(f"a {name} generator cannot be that deep in others", file=location.place)
    combining = MATRIX_OR_MERGE.build(node)
    combine = _matrix if name == "matrix" else _merge
    return Generated(
        combining.template, (yield from combine(combining, location=location, sources=sources, depth=depth + 1))
    )


def _elements(generator: ListGenerator, location: SourceLocation, mode: Mode) -> list[Parameters]:
    parameters: list[Parameters] = []
    for index, element in enumerate(generator.elements):
        inner = location.inner("elements", index)
        parameters.append(dict(element) if mode.is_go else dict(_flat_element(element, inner)))
    if generator.elements_yaml:
        parameters += _elements_yaml(generator.elements_yaml, location.inner("elementsYaml"))
    return parameters


def _flat_element(element: JsonMap, location: SourceLocation) -> Iterable[tuple[str, str]]:
    for key, item in element.items():
        inner = {f"values.{name}": value for name, value in item.items()} if isinstance(item, dict) else {key: item}
        if isinstance(item, dict) != (key == "values"):
            raise _not_a_text(key, location)
        for name, value in inner.items():
            if not isinstance(value, str):
                raise _not_a_text(key, location)
            yield name, value


def _not_a_text(key: str, location: SourceLocation) -> ConfigError:
    return ConfigError(
        f"{key} must be a text",
        file=location.inner(key).place,
        hint="without `goTemplate: true` an element has texts, and a map of texts in `values`",
    )


def _elements_yaml(text: str, location: SourceLocation) -> list[Parameters]:
    try:
        documents = yamldoc.load_all(text.encode())
    except yamldoc.YamlError as error:
        raise ConfigError(f"elementsYaml is not YAML: {error.problem}", file=location.place) from None
    elements = documents[0] if documents else []
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        raise ConfigError("elementsYaml must be a list of maps", file=location.place)
    return elements


def _clusters(generator: ClusterGenerator, location: SourceLocation, sources: Sources) -> Batched[list[Parameters]]:
    """Return the clusters of the inventory that the selector matches, and Argo CD's own where there is no selector."""
    selector = Selector(generator.selector, location.inner("selector"), checks_values=True)
    if selector.keys - SECRET_TYPE.keys() and not any(cluster.labels for cluster in sources.clusters):
        raise InventoryGapError("the labels of all clusters", location.inner("selector").place)
    parameters = [
        _cluster(cluster, sources, location)
        for cluster in sources.clusters
        if selector.matches({**cluster.labels, **SECRET_TYPE})
    ]
    if not selector and all(cluster.server != IN_CLUSTER_SERVER for cluster in sources.clusters):
        parameters.append(
            {"name": IN_CLUSTER, "nameNormalized": IN_CLUSTER, "server": IN_CLUSTER_SERVER, "project": ""}
        )
    yield from _add_values(generator.values, parameters, location, sources.mode)
    return [{"clusters": Leaf(parameters)}] if generator.flat_list else parameters


class InventoryGapError(ConfigError):
    """An inventory without a fact that Argo CD knows (`lacks`: `server of blue`), and that a set makes use of."""

    def __init__(self, lacks: str, place: str) -> None:
        super().__init__(
            f"the inventory lacks {lacks}",
            file=place,
            hint="add it; `cmp inventory export` reads it from Argo CD",
            is_external=True,
        )
        self.lacks = lacks


def _cluster(cluster: Cluster, sources: Sources, location: SourceLocation) -> Parameters:
    if not cluster.server:
        raise InventoryGapError(f"server of {cluster.name}", location.place)
    parameters: Parameters = {
        "name": cluster.name,
        "nameNormalized": normalized(cluster.name),
        "server": cluster.server,
        "project": cluster.facts.get("project", ""),
    }
    hidden = OWN_ANNOTATIONS if sources.version >= HIDDEN_ANNOTATIONS else frozenset()
    annotations = {key: text for key, text in cluster.annotations.items() if key not in hidden}
    known = {"annotations": Texts(annotations), "labels": Texts({**cluster.labels, **SECRET_TYPE})}
    if sources.mode.is_go:
        if not cluster.annotations:  # with none but such, Argo CD has an empty map
            del known["annotations"]
        return {**parameters, "metadata": known}
    flat = {f"metadata.{kind}.{key}": text for kind, texts in known.items() for key, text in texts.items()}
    return {**parameters, **flat}


def _git(generator: GitGenerator, location: SourceLocation, sources: Sources) -> Batched[list[Parameters]]:
    """Return the folders or files of the repository that the patterns match; ConfigError for another repository."""
    name = repository_name(generator.repo_url)
    if sources.repositories and name not in sources.repositories:
        raise ConfigError(
            f"the repository {name} is not this one",
            file=location.inner("repoURL").place,
            hint="`preview: {urls: […]}` in cmp.yaml or --repository-url says which URLs are this repository's; "
            "another one only Argo CD can read: give a snapshot of its Applications",
            is_external=True,
        )
    listing, prefix, is_go = sources.listing, generator.path_param_prefix, sources.mode.is_go
    if generator.directories:
        parameters = directories(listing, generator.directories, prefix, is_go=is_go)
    elif generator.files:
        parameters = files(listing, generator.files, prefix, location=location.inner("files"), is_go=is_go)
    else:
        raise ConfigError("this generator has neither directories nor files", file=location.place)
    yield from _add_values(generator.values, parameters, location, sources.mode)
    return parameters


def _add_values(
    values: Mapping[str, str], every: list[Parameters], location: SourceLocation, mode: Mode
) -> Batched[None]:
    """Add the generator's `values` to each set of parameters, evaluated with those that it has already."""
    texts = [(text, location.inner("values", key)) for key, text in values.items()]
    results = yield from gather(evaluate_texts(mode, texts, parameters) for parameters in every)
    for parameters, result in zip(every, results, strict=True):
        added = Texts(zip(values, result, strict=True))
        if mode.is_go and added:
            parameters["values"] = added
        else:
            parameters.update({f"values.{key}": text for key, text in added.items()})


def _child(
    entry: JsonMap, given: Parameters, location: SourceLocation, sources: Sources, depth: int
) -> Batched[list[Parameters]]:
    """Return the parameters of a generator in a matrix or merge, its templates evaluated with `given` first."""
    names = _generator_names(entry, location)
    if len(names) != 1:
        raise ConfigError("a matrix or merge has exactly one generator in each entry", file=location.place)
    evaluated = yield from _evaluated(entry, given, location, sources)
    # The selector is not evaluated.
    own = {**evaluated, **{key: item for key, item in entry.items() if key == "selector"}}
    generated = yield from _selected(own, names[0], location=location, sources=sources, depth=depth)
    return generated.parameters


def _evaluated(entry: JsonMap, given: Parameters, location: SourceLocation, sources: Sources) -> Batched[JsonMap]:
    """Evaluate the templates of a generator and of those in it; of `values` only those that need no other parameter."""
    mode = sources.mode
    if not given:
        return entry
    if sources.version < WAITING_VALUES:
        return (yield from evaluate_map(mode, entry, given, location))
    evaluated: JsonMap = {}
    for name, item in entry.items():
        if item is None:
            continue
        inner, generator = location.inner(name), mapping(item)
        aside = "values" if name in WITH_VALUES else "generators" if name in COMBINING else ""
        own = yield from evaluate_map(
            mode, {key: each for key, each in generator.items() if key != aside}, given, inner
        )
        if aside == "values" and generator.get(aside):
            values = cast("dict[str, str]", generator[aside])
            own[aside] = yield from evaluate_known(mode, values, given, inner.inner(aside))
        elif aside and generator.get(aside):
            entries = cast("list[JsonMap]", generator[aside])
            own[aside] = yield from gather(
                _evaluated(each, given, inner.inner(aside, index), sources) for index, each in enumerate(entries)
            )
        evaluated[name] = own
    return evaluated


def _matrix(
    matrix: CombiningGenerator, location: SourceLocation, sources: Sources, depth: int
) -> Batched[list[Parameters]]:
    children = matrix.generators
    if len(children) != 2:  # noqa: PLR2004  # a matrix has two sides
        raise ConfigError("a matrix has exactly two generators", file=location.place)
    locations = [location.inner("generators", index) for index in range(2)]
    firsts = yield from _child(children[0], {}, location=locations[0], sources=sources, depth=depth)
    seconds = yield from gather(
        _child(children[1], first, location=locations[1], sources=sources, depth=depth) for first in firsts
    )
    pairs = [(first, second) for first, others in zip(firsts, seconds, strict=True) for second in others]
    if sources.mode.is_go:
        return [overlaid(second, first, location) for first, second in pairs]
    return [combined(first, second, location) for first, second in pairs]


def _merge(
    merge: CombiningGenerator, location: SourceLocation, sources: Sources, depth: int
) -> Batched[list[Parameters]]:
    if len(merge.generators) < 2:  # noqa: PLR2004  # the base, and one that is laid over it
        raise ConfigError("a merge has at least two generators", file=location.place)
    if not merge.merge_keys:
        raise ConfigError("a merge needs mergeKeys", file=location.place)
    locations = [location.inner("generators", index) for index in range(len(merge.generators))]
    children = yield from gather(
        _child(child, {}, location=inner, sources=sources, depth=depth)
        for child, inner in zip(merge.generators, locations, strict=True)
    )
    base, *overrides = [
        _by_key(parameters, merge.merge_keys, inner) for parameters, inner in zip(children, locations, strict=True)
    ]
    for override in overrides:
        for key in base.keys() & override.keys():
            under, over = base[key], override[key]
            base[key] = overlaid(under, over, location) if sources.mode.is_go else {**under, **over}
    return list(base.values())


def _by_key(every: list[Parameters], keys: Sequence[str], location: SourceLocation) -> dict[str, Parameters]:
    by_key: dict[str, Parameters] = {}
    for parameters in every:
        key = merge_key(parameters, keys)
        if key in by_key:
            raise ConfigError(f"two sets of parameters have the same {', '.join(keys)}: {key}", file=location.place)
        by_key[key] = parameters
    return by_key
