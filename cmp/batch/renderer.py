"""Pairs of application and cluster rendered in parallel, and printed: with their secrets, masked, or without them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import CmpError, InternalError, KilledError
from cmp.model import Parameters
from cmp.render import made_up, masking
from cmp.render.pipeline import DEFAULT_OPTIONS, render
from cmp.repository import instances
from cmp.repository.instances import Request
from cmp.secrets.redact import MASK, Redactor
from cmp.system import kernel, workers
from cmp.system.log import Log, Phases
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp.changes import Object
    from cmp.checks.outputs import JudgedOutput
    from cmp.context import Context
    from cmp.model import Instance
    from cmp.render.output import CheckedOutput, Manifest
    from cmp.render.pipeline import RenderOptions, RenderResult
    from cmp.repository.instances import Pair, Repository
    from cmp.secrets.redact import Secret
    from cmp.system.tree import Tree

    Show = Callable[[CheckedOutput, Redactor], bytes]
    Judging = Callable[[Instance, CheckedOutput, Redactor], JudgedOutput]


KILLED, KILLED_HINT = "the process that rendered this was killed", "a memory limit is the usual reason"
BUG_HINT = "`cmp render` of this application alone tells where"


class PrintedPair(NamedTuple):
    """The manifests of one pair, with notes for the reader; or the lines of an error, and its exit code.

    Notes and errors are masked; `text` is as the job's `show` printed it.  `unpinned` are warnings about tools.
    `judged` is what the job's `judge` says of the objects, masked.
    """

    app: str
    cluster: str
    text: bytes
    notes: tuple[str, ...]
    error: tuple[str, ...] = ()
    exit_code: int = 0
    unpinned: tuple[str, ...] = ()
    judged: JudgedOutput | None = None

    @property
    def name(self) -> str:
        """`shop on dev`; without a cluster, the application alone."""
        return f"{self.app} on {self.cluster}" if self.cluster else self.app

    @property
    def file(self) -> str:
        """The path below a folder of manifests."""
        return file_of(self.app, self.cluster)


def file_of(app: str, cluster: str) -> str:
    """Return the path of a pair below a folder of manifests: `<cluster>/<app>.yaml`, or `<app>.yaml`."""
    return join(cluster, f"{app}.yaml")


class PrintJob(NamedTuple):
    """A pair to be rendered, and the functions that print and judge its manifests.

    With a `kube_version` it is rendered as if its cluster had that.
    """

    pair: Pair
    show: Show
    judge: Judging | None = None
    kube_version: str = ""


class BatchRenderer:
    """Renders pairs of one tree, as many at once as there are cores.

    A pair is masked by the files that its own render decrypts: its text does not depend on the other pairs.
    """

    def __init__(
        self, tree: Tree, repository: Repository, context: Context, options: RenderOptions = DEFAULT_OPTIONS
    ) -> None:
        self._tree = tree
        self._repository = repository
        self._context = context
        self._options = options

    def render_all(self, jobs: Sequence[PrintJob]) -> Iterator[PrintedPair]:
        """Yield the result of each job, in the order of the jobs; one that fails stops no other."""
        early: dict[int, PrintedPair] = {}
        position = 0
        for index, result in workers.run(jobs, self._render, kernel.processors()):
            early[index] = result or _killed(jobs[index].pair)
            while position in early:
                yield early.pop(position)
                position += 1

    def _render(self, job: PrintJob) -> PrintedPair:
        """Render one pair in a worker; never raises."""
        pair, redactor = job.pair, Redactor()
        context = self._context._replace(redactor=redactor, log=Log(sys.stderr, redactor.mask), phases=Phases())
        try:
            request = Request(pair.app, pair.cluster, flags=Parameters(kube_version=job.kube_version))
            instance = instances.resolve_in(self._repository, request)
            done = render(self._tree, instance, context, self._options)
            text = job.show(done.output, redactor)
            judged = job.judge(instance, done.output, redactor) if job.judge else None
        except CmpError as error:
            return failed(pair.app, pair.cluster, error, redactor)
        except Exception as error:  # noqa: BLE001  # a bug that one pair meets; its message may hold values
            internal = InternalError(f"internal error: {type(error).__name__}", hint=BUG_HINT)
            return failed(pair.app, pair.cluster, internal, redactor)
        notes = tuple(redactor.mask(warning) for warning in (*done.warnings, *self._made_up(done)))
        return PrintedPair(pair.app, pair.cluster, text, notes=notes, unpinned=done.unpinned, judged=judged)

    def _made_up(self, done: RenderResult) -> list[str]:
        """Return a sentence about the functions that make values up in a render: its text is another one each time."""
        texts = made_up.texts_of(self._tree, done.instance, done.restored, self._context.settings.cache_dir)
        found = made_up.uses(texts)
        return [made_up.warning(found)] if found else []


def _killed(pair: Pair) -> PrintedPair:
    return failed(pair.app, pair.cluster, KilledError(KILLED, hint=KILLED_HINT), Redactor())


def failed(app: str, cluster: str, error: CmpError, redactor: Redactor) -> PrintedPair:
    """Return the result of a pair that an error ends."""
    lines = error.locate(application=app, cluster=cluster).lines(mask=redactor.mask)
    return PrintedPair(
        app=app,
        cluster=cluster,
        text=b"",
        notes=tuple(map(redactor.mask, error.warnings)),
        error=tuple("\n".join(lines).split("\n")),
        exit_code=error.exit_code,
    )


def nothing(_: CheckedOutput, __: Redactor) -> bytes:
    """Print nothing, where only a judgement is asked for."""
    return b""


def with_secrets(output: CheckedOutput, _: Redactor) -> bytes:
    """Print all manifests as Argo CD gets them."""
    return output.yaml


def masked(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Print all manifests with a label in place of each secret; an object without secrets keeps its own text."""
    pairs = zip(output.manifests, masking.objects(output, redactor, label), strict=True)
    return b"".join(_text(manifest, masked_object, redactor) for manifest, masked_object in pairs)


def without_secrets(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Print all manifests but Secrets; a secret in another object is masked."""
    others = (manifest for manifest in output.manifests if (manifest.api_version, manifest.kind) != ("v1", "Secret"))
    return masked(output._replace(manifests=tuple(others)), redactor)


def canonical(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Print all manifests masked and in one style, so that texts differ only where values differ."""
    return yamldoc.dump_all(masked_object.value for masked_object in masking.objects(output, redactor, label))


def _text(manifest: Manifest, masked_object: Object, redactor: Redactor) -> bytes:
    if masked_object.value == manifest.value and not redactor.may_hold(
        manifest.text
    ):  # a comment may hold a secret too
        return manifest.text.encode()
    return yamldoc.dump_all([masked_object.value])


def label(secret: Secret) -> str:
    """Label a secret by its path, which is equal in every run and with every key, and gives no help in guessing it."""
    return f"{MASK[:-1]} {secret.path}{MASK[-1]}" if secret.path else MASK
