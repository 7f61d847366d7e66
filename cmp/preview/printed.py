"""One application on one cluster, rendered and printed for a file: with its secrets, masked, or without them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from cmp import instances, masking, yamldoc
from cmp.errors import CmpError
from cmp.instances import Request
from cmp.log import Log
from cmp.phases import Phases
from cmp.redact import MASK, Redactor
from cmp.render import render
from cmp.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.changes import Object
    from cmp.context import Context
    from cmp.instances import Pair, Repository
    from cmp.manifests import Manifest, Rendered
    from cmp.redact import Secret
    from cmp.tree import Tree

    Show = Callable[[Rendered, Redactor], bytes]


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


def printed(tree: Tree, repository: Repository, pair: Pair, context: Context, show: Show) -> Printed:
    """Render one pair; what goes wrong with it is in the result, so that the others go on.

    A pair is masked by what it decrypts itself: the result does not depend on what was rendered before.
    """
    redactor = Redactor()
    own = context._replace(redactor=redactor, log=Log(sys.stderr, redactor.mask), phases=Phases())
    try:
        done = render(tree, instances.resolve_in(repository, Request(pair.app, pair.cluster)), own)
        text = show(done.rendered, redactor)
    except CmpError as error:
        lines = redactor.mask("\n".join(error.lines())).splitlines()
        return Printed(pair.app, pair.cluster, b"", (), tuple(lines), error.exit_code)
    notes = (*done.instance.notes, *done.rendered.notes, *done.warnings)
    return Printed(pair.app, pair.cluster, text, tuple(redactor.mask(note) for note in notes))


def with_secrets(rendered: Rendered, _: Redactor) -> bytes:
    """Print everything as Argo CD gets it."""
    return rendered.text


def masked(rendered: Rendered, redactor: Redactor) -> bytes:
    """Print everything with a label in place of each secret; an object that holds none stays as it is written."""
    shown = zip(rendered.manifests, masking.objects(rendered, redactor, label), strict=True)
    return b"".join(_text(manifest, found, redactor) for manifest, found in shown)


def without_secrets(rendered: Rendered, redactor: Redactor) -> bytes:
    """Print everything but Secrets; a secret in another object is masked."""
    others = tuple(one for one in rendered.manifests if (one.api_version, one.kind) != ("v1", "Secret"))
    return masked(rendered._replace(manifests=others), redactor)


def canonical(rendered: Rendered, redactor: Redactor) -> bytes:
    """Print everything masked, and so that only a difference of values is one of texts."""
    return yamldoc.dump_all(found.value for found in masking.objects(rendered, redactor, label))


def _text(manifest: Manifest, found: Object, redactor: Redactor) -> bytes:
    if found.value == manifest.value and not redactor.may_hold(manifest.text):  # a comment may hold a secret too
        return manifest.text.encode()
    return yamldoc.dump_all([found.value])


def label(secret: Secret) -> str:
    """Name a secret by its path: the same in every run and with every key, and of no use to whoever guesses."""
    return f"{MASK[:-1]} {secret.path}{MASK[-1]}" if secret.path else MASK
