"""The releases of a cluster as the older side of a comparison: each pair has the objects that helm says it applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import toolchain
from cmp.changes import Object
from cmp.compare import namespaces
from cmp.engines.registry import HELM
from cmp.errors import CmpError, ConfigError, EngineError
from cmp.live import judgement, values
from cmp.live.layer import layer_of
from cmp.live.releases import UNINSTALLED, ReleaseReader
from cmp.live.values import SecretPaths
from cmp.model import OutputRules
from cmp.preview.causes import visible_causes
from cmp.preview.sides import Side
from cmp.render import masking, output
from cmp.render.merged_values import merge
from cmp.render.pipeline import RenderResult
from cmp.secrets.redact import Secret
from cmp.yamldoc.access import dig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.changes import Outcome
    from cmp.context import Context
    from cmp.live.layer import LiveLayer
    from cmp.live.releases import Listed, Release
    from cmp.live.values import Difference
    from cmp.model import Instance
    from cmp.preview.identity import PairId
    from cmp.preview.sides import RenderRequest, ResolvedPair
    from cmp.render.masking import Label
    from cmp.render.output import CheckedOutput, Manifest
    from cmp.render.pipeline import RenderOptions
    from cmp.secrets.redact import Redactor

AS_APPLIED = OutputRules(allow_empty=True, as_reposerver=True)  # the API server has taken it


class Access(NamedTuple):
    """The way to the releases: a context of the user's kubeconfig, and whether values that only they have are shown.

    `names` are the namespace and the name of the release for a pair whose release is called otherwise than in Git.
    """

    kube_context: str
    names: Mapping[PairId, tuple[str, str]]
    shows_live: bool = False


def reader_of(instance: Instance, kube_context: str, context: Context) -> ReleaseReader:
    """Return the reader with the helm that renders an instance; ToolError where that is not installed."""
    helm = toolchain.find({HELM: instance.pins[HELM]}, context.settings)[HELM]
    return ReleaseReader(helm, kube_context, context)


class LivePair(NamedTuple):
    """The release of a pair, its objects, and its values as far as they differ from those in Git.

    `layer` has what only the release has.  The values of a pair that helm does not render are not known.
    """

    release: Release
    output: CheckedOutput
    differences: tuple[Difference, ...] = ()
    layer: LiveLayer | None = None


class LiveSide(Side):
    """The pairs of a newer side with the releases that are live for them in one context.

    Where all were asked for, `listed` are the releases of the cluster, and `absent` the pairs that have none.
    """

    is_revision = False

    def __init__(self, head: Side, requests: Sequence[RenderRequest], access: Access) -> None:
        resolved = head.with_requests(requests)
        self.tree = resolved.tree
        self.repository = resolved.repository
        self.fingerprints = resolved.fingerprints
        self.pairs = resolved.pairs
        self._access = access
        self._known: dict[PairId, LivePair] = {}
        self.listed: tuple[Listed, ...] = ()
        self.absent: tuple[ResolvedPair, ...] = ()

    def release_of(self, pair: ResolvedPair) -> tuple[str, str] | None:
        """Return the namespace and the name of the release of a pair; None where it can have no one release."""
        if len(pair.instances) != 1:
            return None
        instance = pair.instances[0]
        return self._access.names.get(pair.request.id) or (instance.namespace, instance.release)

    @property
    def kube_context(self) -> str:
        """The context that is asked."""
        return self._access.kube_context

    def render(self, pair: ResolvedPair, context: Context, options: RenderOptions) -> tuple[RenderResult, ...]:
        """Read the release of a pair; raises an error of the cluster, or for a pair that can have no one release."""
        live = self.read(pair, context, options)
        self._known[pair.request.id] = live
        return (RenderResult(_instance(pair), live.output, {}, {}, restored=(), encrypted=(), warnings=()),)

    def read(self, pair: ResolvedPair, context: Context, options: RenderOptions) -> LivePair:
        """Read the release of a pair, and let the redactor know its secrets."""
        instance = _instance(pair)
        namespace, name = self._access.names.get(pair.request.id) or (instance.namespace, instance.release)
        reader = reader_of(instance, self.kube_context, context)
        with context.phases.phase("release"):
            release = reader.read(name, namespace)
            if release.status == UNINSTALLED:
                raise EngineError(
                    f"the release is uninstalled (revision {release.revision}): nothing of it is live",
                    file=reader.place,
                    hint="there is nothing to move: compare revisions of the repository, without --live",
                    is_external=True,
                )
            given = reader.values(name, namespace)
        mask = context.redactor.mask
        checked = output.check(release.stream, rules=AS_APPLIED, noise=(), engine="the release", mask=mask)
        if release.namespace != instance.namespace:
            checked = checked._replace(manifests=_placed(checked.manifests, release.namespace, self.scopes))
        secrets = [secret for manifest in checked.manifests for secret in _plaintexts(manifest)]
        public = {word for manifest in checked.manifests for word in _public_words(manifest)}
        for secret in secrets:
            if secret.text not in public:
                context.redactor.add_secret(secret)
        live = LivePair(release, checked)
        if HELM not in instance.engines:
            return live
        try:
            merged = merge(self.tree, instance, context, options)
        except CmpError:  # the render of the newer side reports it
            return live
        secret_paths = SecretPaths(merged, {secret.text for secret in secrets} - public)
        differences = values.compare(given, merged, secret_paths)
        layer = layer_of(differences, given, secret_paths, context.redactor.may_hold)
        values.learn(differences, public, context.redactor, shows_live=self._access.shows_live)
        return live._replace(differences=differences, layer=layer)

    def judged(
        self,
        pair: ResolvedPair | None,
        outcome: Outcome,
        *,
        error: CmpError | None,
        after: tuple[Object, ...],
        redactor: Redactor,
        label: Label,
    ) -> Outcome:
        """Return the outcome with what the first sync does, or as a failure where the release is not known."""
        live = self._known.get(pair.request.id) if pair else None
        if error or pair is None or live is None:
            return judgement.unknown(outcome, error, redactor) if error else outcome
        causes = values.causes(live.differences, redactor, label, shows_live=self._access.shows_live)
        explained = outcome._replace(
            causes=causes,
            changes=tuple(change._replace(causes=visible_causes(change, causes)) for change in outcome.changes),
            notes=(*outcome.notes, *values.notes(live.differences, causes)),
        )
        return judgement.of_release(explained, live.release, _instance(pair), self.tree, after)


def _instance(pair: ResolvedPair) -> Instance:
    if len(pair.instances) != 1:
        raise ConfigError(
            f"the Application has {len(pair.instances)} sources, and a release is one",
            file=pair.request.place,
            hint="compare what each source renders with `helm get manifest`",
        )
    return pair.instances[0]


def _placed(
    manifests: Sequence[Manifest], namespace: str, scopes: Mapping[tuple[str, str], bool]
) -> tuple[Manifest, ...]:
    """Give the objects without a namespace that of their release, which is not the one that they will have."""
    objects = [Object(one.api_version, one.identity, one.value, one.source) for one in manifests]
    placed = namespaces.placed(objects, namespace, scopes).objects
    return tuple(
        one._replace(namespace=item.identity.namespace, value=item.value)
        for one, item in zip(manifests, placed, strict=True)
    )


def _plaintexts(manifest: Manifest) -> Iterator[Secret]:
    """Yield what a Secret of the release holds: it is secret wherever it occurs."""
    if manifest.kind == "Secret" and manifest.api_version == "v1":
        yield from (Secret(text, f"data.{key}") for key, text in masking.plaintexts(manifest.value))


def _public_words(manifest: Manifest) -> Iterator[str]:
    """Yield the names and labels of an object, which no Secret makes secret."""
    yield from (manifest.name, manifest.namespace, manifest.kind)
    labels = dig(manifest.value, "metadata", "labels")
    if isinstance(labels, dict):
        yield from (text for text in labels.values() if isinstance(text, str))
