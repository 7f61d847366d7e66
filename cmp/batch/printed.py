"""One application on one cluster, rendered and printed for a file: with its secrets, masked, or without them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import CmpError, InternalError, KilledError
from cmp.render import masking
from cmp.render.pipeline import render
from cmp.repository import instances
from cmp.repository.instances import Request
from cmp.secrets.redact import MASK, Redactor
from cmp.system import workers
from cmp.system.log import Log
from cmp.system.phases import Phases
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp.changes import Object
    from cmp.context import Context
    from cmp.render.output import CheckedOutput, Manifest
    from cmp.repository.instances import Pair, Repository
    from cmp.secrets.redact import Secret
    from cmp.system.tree import Tree

    Show = Callable[[CheckedOutput, Redactor], bytes]


KILLED, KILLED_HINT = "the process that rendered this was killed", "a memory limit is the usual reason"
BUG_HINT = "`cmp render` of this application alone tells where"


class Printed(NamedTuple):
    """What became of one pair: the manifests, and notes; or the lines of an error and its exit code.

    Notes and errors are masked, and the text as whoever asked for it wants it.
    """

    app: str
    cluster: str
    text: bytes
    notes: tuple[str, ...]
    error: tuple[str, ...] = ()
    exit_code: int = 0

    @property
    def name(self) -> str:
        """`shop on dev`; without a cluster, the application alone."""
        return f"{self.app} on {self.cluster}" if self.cluster else self.app

    @property
    def file(self) -> str:
        """Where it belongs below a folder of manifests."""
        return file_of(self.app, self.cluster)


def file_of(app: str, cluster: str) -> str:
    """Return where a pair belongs below a folder of manifests: `<cluster>/<app>.yaml`, or `<app>.yaml`."""
    return join(cluster, f"{app}.yaml")


class Wanted(NamedTuple):
    """A pair, and how its manifests are printed."""

    pair: Pair
    show: Show


class Renders:
    """Renders of one tree, as many at once as there are cores.

    A pair is masked by what it decrypts itself: what it comes to does not depend on the others.
    """

    def __init__(self, tree: Tree, repository: Repository, context: Context) -> None:
        self._tree = tree
        self._repository = repository
        self._context = context

    def all(self, wanted: Sequence[Wanted]) -> Iterator[Printed]:
        """Yield what became of each pair, in the order of `wanted`: what goes wrong with one stops no other."""
        early: dict[int, Printed] = {}
        turn = 0
        for index, done in workers.run(wanted, self.one, workers.cores()):
            early[index] = done or _failed(wanted[index].pair, KilledError(KILLED, hint=KILLED_HINT), Redactor())
            while turn in early:
                yield early.pop(turn)
                turn += 1

    def one(self, wanted: Wanted) -> Printed:
        """Render one pair; never raise."""
        pair, redactor = wanted.pair, Redactor()
        own = self._context._replace(redactor=redactor, log=Log(sys.stderr, redactor.mask), phases=Phases())
        try:
            instance = instances.resolve_in(self._repository, Request(pair.app, pair.cluster))
            done = render(self._tree, instance, own)
            text = wanted.show(done.output, redactor)
        except CmpError as error:
            return _failed(pair, error, redactor)
        except Exception as error:  # noqa: BLE001  # a bug that one pair meets; its message may hold values
            return _failed(pair, InternalError(f"internal error: {type(error).__name__}", hint=BUG_HINT), redactor)
        notes = (*done.instance.notes, *done.output.warnings, *done.warnings)
        return Printed(pair.app, pair.cluster, text, tuple(redactor.mask(note) for note in notes))


def _failed(pair: Pair, error: CmpError, redactor: Redactor) -> Printed:
    lines = error.locate(application=pair.app, cluster=pair.cluster).lines(mask=redactor.mask)
    return Printed(pair.app, pair.cluster, b"", (), tuple("\n".join(lines).split("\n")), error.exit_code)


def with_secrets(output: CheckedOutput, _: Redactor) -> bytes:
    """Print everything as Argo CD gets it."""
    return output.yaml


def masked(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Print everything with a label in place of each secret; an object that holds none stays as it is written."""
    shown = zip(output.manifests, masking.objects(output, redactor, label), strict=True)
    return b"".join(_text(manifest, found, redactor) for manifest, found in shown)


def without_secrets(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Print everything but Secrets; a secret in another object is masked."""
    others = tuple(one for one in output.manifests if (one.api_version, one.kind) != ("v1", "Secret"))
    return masked(output._replace(manifests=others), redactor)


def canonical(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Print everything masked, and so that only a difference of values is one of texts."""
    return yamldoc.dump_all(found.value for found in masking.objects(output, redactor, label))


def _text(manifest: Manifest, found: Object, redactor: Redactor) -> bytes:
    if found.value == manifest.value and not redactor.may_hold(manifest.text):  # a comment may hold a secret too
        return manifest.text.encode()
    return yamldoc.dump_all([found.value])


def label(secret: Secret) -> str:
    """Name a secret by its path: the same in every run and with every key, and of no use to whoever guesses."""
    return f"{MASK[:-1]} {secret.path}{MASK[-1]}" if secret.path else MASK
