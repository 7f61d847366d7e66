"""The generators that look at the world: list, clusters, git.  Each returns sets of parameters.

Source: argoproj/argo-cd 3.2, applicationset/generators/{list,cluster,git}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp import yamldoc
from cmp.argocd.sets.git import Listing, directories, files
from cmp.argocd.sets.replace import Mode, printed
from cmp.argocd.sets.selector import Selector
from cmp.argocd.sets.values import Parameters, Texts, normalized
from cmp.argocd.sets.work import Work, together
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.argocd.shape import Spot
    from cmp.model import Cluster

    Values = Mapping[str, object]

IN_CLUSTER, IN_CLUSTER_SERVER = "in-cluster", "https://kubernetes.default.svc"
SECRET_TYPE = {"argocd.argoproj.io/secret-type": "cluster"}


class Sources(NamedTuple):
    """What generators read, and how the set means its templates."""

    listing: Listing
    repository: str
    clusters: Sequence[Cluster]
    mode: Mode


def elements(value: Values, spot: Spot, sources: Sources) -> list[Parameters]:
    """Return the elements of a list generator."""
    found: list[Parameters] = []
    for index, element in enumerate(cast("list[object]", value.get("elements") or [])):
        at = spot.inner("elements", index)
        if not isinstance(element, dict):
            raise ConfigError("an element must be a map", file=at.place)
        found.append(dict(element) if sources.mode.is_go else dict(_flat_element(element, at)))
    if text := value.get("elementsYaml"):
        found += _elements_yaml(str(text), spot.inner("elementsYaml"))
    return found


def _flat_element(element: Values, spot: Spot) -> Iterable[tuple[str, str]]:
    for key, item in element.items():
        inner = {f"values.{name}": each for name, each in item.items()} if isinstance(item, dict) else {key: item}
        if (isinstance(item, dict) != (key == "values")) or not all(isinstance(each, str) for each in inner.values()):
            raise ConfigError(
                f"{key} must be a text",
                file=spot.inner(key).place,
                hint="without `goTemplate: true` an element has texts, and a map of texts in `values`",
            )
        yield from cast("dict[str, str]", inner).items()


def _elements_yaml(text: str, spot: Spot) -> list[Parameters]:
    try:
        documents = yamldoc.load_all(text.encode())
    except yamldoc.YamlError as error:
        raise ConfigError(f"elementsYaml is not YAML: {error.problem}", file=spot.place) from None
    found = documents[0] if documents else []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ConfigError("elementsYaml must be a list of maps", file=spot.place)
    return found


def clusters(value: Values, spot: Spot, sources: Sources) -> Work[list[Parameters]]:
    """Return the clusters of the inventory that the selector matches, and Argo CD's own where there is no selector."""
    selector = Selector(value.get("selector"), spot.inner("selector"), checks_values=True)
    found = [
        _cluster(cluster, sources.mode, spot)
        for cluster in sources.clusters
        if selector.matches({**cluster.labels, **SECRET_TYPE})
    ]
    if not selector and all(cluster.server != IN_CLUSTER_SERVER for cluster in sources.clusters):
        found.append({"name": IN_CLUSTER, "nameNormalized": IN_CLUSTER, "server": IN_CLUSTER_SERVER, "project": ""})
    yield from with_values(value, found, spot, sources.mode)
    return [{"clusters": found}] if value.get("flatList") else found


def _cluster(cluster: Cluster, mode: Mode, spot: Spot) -> Parameters:
    if not cluster.server:
        raise ConfigError(
            f"the inventory does not know the server of the cluster {cluster.name}",
            file=spot.place,
            hint="give it a `server`; `cmp inventory export` reads it from Argo CD",
        )
    parameters: Parameters = {
        "name": cluster.name,
        "nameNormalized": normalized(cluster.name),
        "server": cluster.server,
        "project": cluster.facts.get("project", ""),
    }
    known = {"annotations": Texts(cluster.annotations), "labels": Texts({**cluster.labels, **SECRET_TYPE})}
    if mode.is_go:
        return {**parameters, "metadata": {kind: texts for kind, texts in known.items() if texts}}
    flat = {f"metadata.{kind}.{key}": text for kind, texts in known.items() for key, text in texts.items()}
    return {**parameters, **flat}


def git(value: Values, spot: Spot, sources: Sources) -> Work[list[Parameters]]:
    """Return the folders or files of the repository that the patterns match; ConfigError for another repository."""
    url = str(value.get("repoURL") or "")
    if sources.repository and _canonical(url) != _canonical(sources.repository):
        raise ConfigError(
            f"the repository {_canonical(url)} is not this one",
            file=spot.inner("repoURL").place,
            hint="only Argo CD can read it; give a snapshot of its Applications",
        )
    patterns = cast("Mapping[str, list[Mapping[str, object]]]", value)
    prefix = str(value.get("pathParamPrefix") or "")
    if patterns.get("directories"):
        found = directories(sources.listing, patterns["directories"], prefix, is_go=sources.mode.is_go)
    elif patterns.get("files"):
        found = files(sources.listing, patterns["files"], prefix, spot.inner("files"), is_go=sources.mode.is_go)
    else:
        raise ConfigError("this generator has neither directories nor files", file=spot.place)
    yield from with_values(value, found, spot, sources.mode)
    return found


def _canonical(url: str) -> str:
    """Return a repository's host and path, however it is written: `git@host:a/b.git` is `https://host/a/b`."""
    _, _, rest = url.rpartition("://")
    host, _, path = rest.rpartition("@")[2].partition("/")
    if "://" not in url:
        host = host.replace(":", "/")
    return f"{host.lower()}/{path}".strip("/").removesuffix(".git")


def with_values(generator: Values, found: list[Parameters], spot: Spot, mode: Mode) -> Work[None]:
    """Add the generator's `values` to each set of parameters, evaluated with those that it has already."""
    values = cast("Mapping[str, str]", generator.get("values") or {})
    texts = [(text, spot.inner("values", key)) for key, text in values.items()]
    results = yield from together(printed(mode, texts, parameters) for parameters in found)
    for parameters, result in zip(found, results, strict=True):
        added = Texts(zip(values, result, strict=True))
        if mode.is_go and added:
            parameters["values"] = added
        else:
            parameters.update({f"values.{key}": text for key, text in added.items()})
