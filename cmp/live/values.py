"""The values of a release beside Helm's merged values in Git: leaf by leaf, as far as anybody has given them.

A leaf that both sides take from the defaults of a chart is no news of values; the version of the chart is.

A leaf is secret where Git has it encrypted, or not at all and another one beside it encrypted, where it lies in a
Secret of the release, or where its key says so.  What only the release has may be a secret of which nobody knows:
texts of such leaves are hidden, unless a person asks to see them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp import yamldoc
from cmp.changes import Cause
from cmp.render import masking
from cmp.repository import values
from cmp.secrets.redact import MASK, SHORT, TRIVIAL, Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from cmp.render.masking import Label
    from cmp.render.merged_values import MergedValues
    from cmp.repository.values.provenance import Origin, Path
    from cmp.secrets.redact import Redactor

    Leaves = dict[Path, object]

MAX_NOTES = 40
RELEASE = "the release"
HIDDEN = "‹not shown›"
_SECRET_KEY = re.compile(
    r"pass(?:word|wd|phrase|code)?s?$|secret|token|credential|private|(?:api|access|account|client|auth|encryption|"
    r"signing|master|storage|license|ssh)[-_]?keys?(?:[-_]?id)?$|^auth$|basic[-_]?auth|htpasswd|dsn$|connection[-_]?string|salt$|"
    r"^pem$|\.pem$|kubeconfig|webhook[-_]?url",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Difference(NamedTuple):
    """A leaf that is not the same in the release and in Git; None stands on the side that does not have it.

    `what` says who has given it: a side that has not may still have the default of its chart.  `place` is the line
    that sets it in Git, a default among them; empty without one.
    """

    path: Path
    what: Literal["differs", "only live", "only in Git"]
    live: object
    git: object
    place: str
    is_secret: bool

    @property
    def key(self) -> str:
        """The path as `helm --set` takes it."""
        return values.path_text(self.path)


class GivenValues(NamedTuple):
    """The values of a release: those it was given, and all, which those of its chart complete."""

    supplied: object
    computed: object


def compare(live: GivenValues, git: MergedValues, secrets: SecretPaths) -> tuple[Difference, ...]:
    """Return the leaves that differ, by path."""
    before, after, supplied = (_leaves(value) for value in (live.computed, git.values, live.supplied))
    paths = sorted(before.keys() | after.keys(), key=str)
    found = (_difference(path, (before, after), supplied, git, secrets) for path in paths)
    return tuple(one for one in found if one)


def _difference(
    path: Path, sides: tuple[Leaves, Leaves], supplied: Leaves, git: MergedValues, secrets: SecretPaths
) -> Difference | None:
    before, after = sides
    live, here = before.get(path), after.get(path)
    if yamldoc.to_json(live) == yamldoc.to_json(here):
        return None
    if (live in ({}, []) and _has_below(after, path)) or (here in ({}, []) and _has_below(before, path)):
        return None  # what is below tells
    origin = git.origins.of(path) if path in after else None
    is_given_live, is_given_here = path in supplied, origin is not None and origin.place.file in git.given
    if not (is_given_live or is_given_here):
        return None
    return Difference(
        path,
        what="only in Git" if not is_given_live else "differs" if is_given_here else "only live",
        live=live,
        git=here,
        place=origin.place.text if origin else "",
        is_secret=secrets.holds(path, live, here),
    )


def _has_below(leaves: Leaves, path: Path) -> bool:
    return any(other[: len(path)] == path for other in leaves)


def _leaves(value: object) -> Leaves:
    return {path: leaf for path, leaf in values.flat(value) if path}


def _is_encrypted(origin: Origin | None) -> bool:
    return origin is not None and origin.is_encrypted


class SecretPaths:
    """The leaves that are secret; `plaintexts` are what the Secrets of the release hold."""

    def __init__(self, git: MergedValues, plaintexts: Collection[str]) -> None:
        self._git = _leaves(git.values)
        self._encrypted = {path for path in self._git if _is_encrypted(git.origins.of(path))}
        self._encrypted_maps = {path[:-1] for path in self._encrypted} - {()}
        self._plaintexts = [text for text in plaintexts if _is_telling(text)]

    def holds(self, path: Path, *leaves: object) -> bool:
        """Tell whether a leaf is secret, by its path, or by one of the values that it has."""
        is_beside = path not in self._git and path[:-1] in self._encrypted_maps
        if path in self._encrypted or is_beside or any(isinstance(part, str) and _is_secret_key(part) for part in path):
            return True
        return any(
            isinstance(leaf, str)
            and any(text in leaf or (_is_telling(leaf) and leaf in text) for text in self._plaintexts)
            for leaf in leaves
        )


def _is_secret_key(key: str) -> bool:
    return _SECRET_KEY.search(_CAMEL.sub("_", key)) is not None


def _is_telling(text: str) -> bool:
    return len(text) >= SHORT and text.lower() not in TRIVIAL


# For a reader


def learn(differences: Iterable[Difference], public: Collection[str], redactor: Redactor, *, shows_live: bool) -> None:
    """Let the redactor know the secret leaves, and unless they are to be shown, the texts that are only live.

    The names and labels of objects (`public`) are no secrets.
    """
    for one in differences:
        for leaf in (one.live, one.git) if one.is_secret else (one.live,):
            text = _text(leaf)
            if not (one.is_secret or (one.what == "only live" and not shows_live)):
                continue
            is_text = isinstance(leaf, str) and _is_telling(text) and text not in public
            if is_text or (one.is_secret and leaf is not None and not isinstance(leaf, bool | dict | list)):
                redactor.add_secret(Secret(text, one.key))


def causes(
    differences: Iterable[Difference], redactor: Redactor, label: Label, *, shows_live: bool
) -> tuple[Cause, ...]:
    """Return the differences as causes of changes: from the release's value to that of Git, masked."""
    return tuple(
        Cause(
            place=one.place or RELEASE,
            path=tuple(f"[{part}]" if isinstance(part, int) else part for part in one.path),
            before=_shown(one.live, one, redactor, label, is_hidden=one.what == "only live" and not shows_live),
            after=_shown(one.git, one, redactor, label, is_hidden=False),
        )
        for one in differences
    )


def _shown(leaf: object, one: Difference, redactor: Redactor, label: Label, *, is_hidden: bool) -> object:
    if leaf is None:
        return None
    if one.is_secret:
        if isinstance(leaf, bool | dict | list):
            return MASK
        return label(redactor.secret_of(_text(leaf)) or Secret(_text(leaf)))
    masked = masking.masked(leaf, redactor, label)
    return HIDDEN if is_hidden and isinstance(leaf, str) and leaf and masked == leaf else masked


def notes(differences: Sequence[Difference], shown: Sequence[Cause]) -> Iterator[str]:
    """Yield sentences on the values: how many differ, and each of them."""
    if not differences:
        return
    counts = {what: sum(one.what == what for one in differences) for what in ("differs", "only live", "only in Git")}
    yield "values: " + ", ".join(
        f"{count} {'differ' if what == 'differs' and count > 1 else what}" for what, count in counts.items() if count
    )
    for one, cause in [*zip(differences, shown, strict=True)][:MAX_NOTES]:
        live, here = (None if value is None else f"`{_text(value)}`" for value in (cause.before, cause.after))
        where = f" ({one.place})" if one.place else ""
        if one.what == "differs":
            yield f"value `{one.key}`: live {live or 'not set'}, in Git {here or 'not set'}{where}"
        elif one.what == "only live":
            yield f"value `{one.key}`: only live, {live or 'null'}" + (
                f", and {here} by default{where}" if here else ""
            )
        else:
            yield f"value `{one.key}`: only in Git, {here or 'null'}{where}" + (
                f", and {live} by default" if live else ""
            )
    if len(differences) > MAX_NOTES:
        yield f"and {len(differences) - MAX_NOTES} more values: `--format json` has all of them as causes"


def _text(value: object) -> str:
    return value if isinstance(value, str) else yamldoc.to_json(value)
