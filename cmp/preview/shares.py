"""The plan of a comparison that several runs share: the pairs that are rendered, dealt out to shares.

A plan follows from both trees, the options and the weights alone, so that another run finds the same pairs and can tell
whether it has the same comparison.  A parent of an app of apps is rendered for the plan, and for nothing after it: what
it prints stands in the plan, as a render without keys prints it.
"""

# Without `from __future__ import annotations`: see model.py.
import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cmp.changes import Revision, Subject
from cmp.errors import UsageError, and_more
from cmp.preview import sealed
from cmp.preview.affected import TouchedPair
from cmp.preview.children import Printed, Unprinted, name_of
from cmp.preview.comparison import Comparison
from cmp.preview.diff import affected_pairs
from cmp.preview.identity import PairId
from cmp.preview.sides import ResolvedPair
from cmp.preview.sisters import Counterpart, counterparts

PLAN = "plan"


class FileOption(NamedTuple):
    """A file that an option names, and the digest of its content."""

    name: str
    digest: str


class CloneOption(NamedTuple):
    """A clone that an option names, and the URL of its repository, without credentials."""

    url: str
    folder: str


class Options(NamedTuple):
    """The options of the command line that decide what is compared, by the names of its parameters."""

    base: str = ""
    head: str = ""
    is_exact: bool = False
    is_keyless: bool = False
    is_untrusted: bool = False
    max_applications: int = 0
    is_checked: bool = False
    against: str = ""
    kube_versions: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    applications: tuple[FileOption, ...] = ()
    repository_urls: tuple[str, ...] = ()
    repositories: tuple[CloneOption, ...] = ()


class PlannedPair(NamedTuple):
    """A pair that is rendered; `inputs` is the digest of all that both renders read."""

    id: PairId
    subject: Subject
    inputs: str


class Share(NamedTuple):
    """The pairs that one run renders, and the sum of their weights."""

    weight: float
    pairs: tuple[PlannedPair, ...]


class ParentOutput(NamedTuple):
    """The Applications that a parent prints, as base64 of zlib, by the fingerprint of the parent; or its failure."""

    fingerprint: str
    text: str
    failure: Unprinted | None


class Plan(NamedTuple):
    """The facts that all runs of a comparison share; `folder` is that of the repository which is compared.

    `trunk` is the branch that the change goes to, `remotes` are the URLs of the clone, without credentials.
    """

    folder: str
    base: Revision
    head: Revision
    trunk: str
    remotes: tuple[str, ...]
    options: Options
    shares: tuple[Share, ...]
    printed: tuple[ParentOutput, ...]

    @property
    def digest(self) -> str:
        """The digest of the plan, by which its parts are known."""
        return sealed.digest(PLAN, self)

    @property
    def pairs(self) -> dict[PairId, PlannedPair]:
        """The pairs of all shares."""
        return {pair.id: pair for share in self.shares for pair in share.pairs}

    @property
    def known_outputs(self) -> Mapping[str, Printed]:
        """The texts that parents print, by their fingerprints; UsageError for texts that no cmp wrote."""
        try:
            texts = [zlib.decompress(b64decode(one.text)) for one in self.printed]
        except (ValueError, zlib.error):
            raise UsageError("the plan cannot be read", hint="write the plan again") from None
        return {one.fingerprint: Printed(text, one.failure) for one, text in zip(self.printed, texts, strict=True)}

    def share(self, index: int, place: str) -> Share:
        """Return a share; UsageError for one that the plan, a file, does not have."""
        if not 0 <= index < len(self.shares):
            raise UsageError(f"--shard {index}: the shares of the plan are 0 to {len(self.shares) - 1}", file=place)
        return self.shares[index]


def shares(comparison: Comparison, count: int, seconds: Mapping[PairId, float]) -> tuple[Share, ...]:
    """Deal the pairs that are rendered out to so many shares, the heaviest first, each to the lightest share.

    A pair weighs the seconds that it took in an earlier run; one that is not known there what its renders took there on
    the average, or without any earlier run the number of its renders.
    """
    pairs = planned(comparison)
    sisters = counterparts(comparison)
    renders = {pair.id: renders_of(comparison, pair.id, sisters.get(pair.id)) for pair in pairs}
    known = {key: seconds[key] for key in renders if key in seconds}
    unit = sum(known.values()) / sum(renders[key] for key in known) if known else 1.0
    weights = {key: known.get(key, number * unit) for key, number in renders.items()}
    dealt: list[list[PlannedPair]] = [[] for _ in range(count)]
    sums = [0.0] * count
    for pair in sorted(pairs, key=lambda pair: (-weights[pair.id], pair.id)):
        lightest = min(range(count), key=lambda at: (sums[at], len(dealt[at]), at))
        dealt[lightest].append(pair)
        sums[lightest] += weights[pair.id]
    return tuple(Share(weight, tuple(sorted(own))) for weight, own in zip(sums, dealt, strict=True))


def renders_of(comparison: Comparison, key: PairId, sister: Counterpart | None) -> int:
    """Return how many renders a pair takes: one for each source of each side, and of the sister's pair."""
    return max(1, sum(len(pair.sources) for pair in _rendered_for(comparison, key, sister) if pair))


def planned(comparison: Comparison) -> list[PlannedPair]:
    """Return the pairs that are rendered."""
    sisters = counterparts(comparison)
    return [
        PlannedPair(pair.key, pair.subject, _inputs(comparison, pair.key, sisters.get(pair.key)))
        for pair in affected_pairs(comparison)
    ]


def outputs(comparison: Comparison) -> tuple[ParentOutput, ...]:
    """Return what parents print, as a plan has it."""
    return tuple(
        ParentOutput(fingerprint, b64encode(zlib.compress(one.text, 9)).decode(), one.failure)
        for fingerprint, one in sorted(comparison.printed.items())
    )


def require_same(plan: Plan, comparison: Comparison) -> None:
    """UsageError where this run finds another comparison than the plan has."""
    here, there = {pair.id: pair for pair in planned(comparison)}, plan.pairs
    different = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    if different:
        names = and_more([name_of(key) for key in different])
        raise UsageError(
            f"this run does not find what the plan compares: it has other inputs of {names}",
            hint="each run needs the clones (--repository), submodules, tags and lists of Applications of the plan",
        )


def with_secrets(comparison: Comparison) -> list[PairId]:
    """Return the pairs of which a render decrypts files."""
    sisters = counterparts(comparison)
    return [
        pair.key
        for pair in affected_pairs(comparison)
        for one in _rendered_for(comparison, pair.key, sisters.get(pair.key))
        if one and any(source.has_secrets for source in one.sources)
    ]


def touched(comparison: Comparison, share: Share) -> list[TouchedPair]:
    """Return the pairs of a share as the comparison has them."""
    own = {pair.id for pair in share.pairs}
    return [pair for pair in affected_pairs(comparison) if pair.key in own]


def _inputs(comparison: Comparison, key: PairId, sister: Counterpart | None) -> str:
    """Return the digest of what a pair's renders read; an error is one, whatever it says of this machine."""
    fingerprints = [side.fingerprint(key) if key in side.pairs else "" for side in (comparison.base, comparison.head)]
    if sister:
        fingerprints.append(comparison.head.fingerprint(sister.pair))
    read = ["error" if one.startswith("error: ") else one for one in fingerprints]
    return hashlib.sha256(json.dumps(read).encode()).hexdigest()


def _rendered_for(comparison: Comparison, key: PairId, sister: Counterpart | None) -> list[ResolvedPair | None]:
    """Return the pairs that are rendered for one: both sides of it, and the sister's."""
    found = [side.pairs.get(key) for side in (comparison.base, comparison.head)]
    return [*found, comparison.head.pairs[sister.pair]] if sister else found


def rows(plan: Plan, *, is_timed: bool) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a table of the shares."""
    yield ("SHARE", "PAIRS", "SECONDS" if is_timed else "RENDERS")
    for index, share in enumerate(plan.shares):
        yield (str(index), str(len(share.pairs)), f"{share.weight:.1f}" if is_timed else f"{share.weight:.0f}")


def filled(plan: Plan) -> list[int]:
    """Return the shares that a CI job is to be started for: those with pairs, and always the first one."""
    return [index for index, share in enumerate(plan.shares) if share.pairs or index == 0]


def matrix(indexes: Iterable[int]) -> str:
    """Return the matrix of a CI job in one line of JSON."""
    return json.dumps({"shard": [*indexes]})
