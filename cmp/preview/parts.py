"""The parts of a comparison that several runs share: what one of them rendered, masked, until a last run has all.

A secret is in a part as its token, an HMAC under a key that follows from the key of the runs and the plan: equal
plaintext has an equal token in all parts of one plan, and nobody without the key can try a guess.
"""

# Without `from __future__ import annotations`: see model.py.
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cmp.environ import REPORT_KEY
from cmp.errors import UsageError, and_more
from cmp.preview import labels, sealed
from cmp.preview.affected import TouchedPair
from cmp.preview.children import name_of
from cmp.preview.identity import PairId
from cmp.preview.shares import Plan
from cmp.preview.worker import WorkerResult
from cmp.report.document import plural

PART = "part"
KEY_HINT = f"give all shares and the merge one key, made by `openssl rand -hex 32`, in {REPORT_KEY}"
TOKENS, SEALS = b"cmp diff: tokens of ", b"cmp diff: seals of parts"


class PairResult(NamedTuple):
    """A pair of a share, and what its renders gave."""

    id: PairId
    result: WorkerResult


class Part(NamedTuple):
    """The results of a share of a plan."""

    share: int
    plan: Plan
    results: tuple[PairResult, ...]


def token_key(key: bytes, plan: Plan) -> bytes:
    """Return the key of the tokens of a plan's secrets."""
    return hmac.digest(key, TOKENS + plan.digest.encode(), hashlib.sha256)


def seal_key(key: bytes | None) -> bytes | None:
    """Return the key of the seals of parts; None without a key."""
    return hmac.digest(key, SEALS, hashlib.sha256) if key else None


def require_no_tokens(part: Part) -> None:
    """UsageError where a secret is in a part that is to be written without a key."""
    for one in part.results:
        if labels.has_tokens(one.result):
            raise UsageError(
                f"{REPORT_KEY} is not set, and {name_of(one.id)} renders a Secret: its values are compared by tokens",
                hint=KEY_HINT,
            )


def read(paths: Sequence[str], key: bytes | None) -> list[Part]:
    """Return the parts of one plan; UsageError unless each of its pairs is in one of them, and in no other."""
    parts = [sealed.read(path, PART, Part, seal_key(key)) for path in paths]
    digests = [part.plan.digest for part in parts]
    for path, part, digest in zip(paths, parts, digests, strict=True):
        if digest != digests[0]:
            what = _difference(part.plan, parts[0].plan)
            raise UsageError(f"the part is of another plan than {paths[0]}: {what}", file=path)
    twice = [share for share, count in Counter(part.share for part in parts).items() if count > 1]
    if twice:
        files = [path for path, part in zip(paths, parts, strict=True) if part.share == twice[0]]
        raise UsageError(f"share {twice[0]} is there more than once: {and_more(files)}")
    _require_whole(parts)
    return parts


def _require_whole(parts: Sequence[Part]) -> None:
    """UsageError unless each pair of the plan is in the part of its share, and nothing else is."""
    plan = parts[0].plan
    for part in parts:
        wanted = [pair.id for pair in plan.shares[part.share].pairs] if 0 <= part.share < len(plan.shares) else None
        if [one.id for one in part.results] != wanted:
            raise UsageError(f"the part of share {part.share} has other pairs than the plan")
    present = {part.share for part in parts}
    missing = [index for index, share in enumerate(plan.shares) if share.pairs and index not in present]
    if missing:
        names = [name_of(pair.id) for index in missing for pair in plan.shares[index].pairs]
        shares = and_more([str(index) for index in missing])
        raise UsageError(
            f"no part of share {shares}: {plural(len(names), 'pair')} missing ({and_more(names)})",
            hint="each share that holds pairs has its part: cmp diff --shard",
        )


def results(parts: Sequence[Part], pairs: Sequence[TouchedPair]) -> list[WorkerResult]:
    """Return the results in the order of the pairs."""
    of_pair = {one.id: one.result for part in parts for one in part.results}
    return [of_pair[pair.key] for pair in pairs]


def seconds(path: str) -> Mapping[PairId, float]:
    """Return the seconds that the pairs of an earlier part took, whichever cmp wrote it; UsageError for no part."""
    return dict(_seconds(path))


def _seconds(path: str) -> Iterator[tuple[PairId, float]]:
    data = sealed.content(path, PART)
    try:
        for one in json.loads(data)["results"]:
            yield PairId(**one["id"]), float(one["result"]["seconds"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError("these are no weights: the part cannot be read", file=path) from None


def _difference(one: Plan, other: Plan) -> str:
    """Return what differs between two plans first."""
    if (one.base.commit, one.head.commit) != (other.base.commit, other.head.commit):
        return "it has other commits"
    if one.options != other.options:
        return "it has other options"
    return "it has other shares"
