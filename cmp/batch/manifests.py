"""Manifests that are rendered already, read from a folder or from stdin and judged: `cmp check --from-dir`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.batch.renderer import KILLED, KILLED_HINT, PrintedPair, failed, label
from cmp.changes import Subject
from cmp.checks.outputs import plain_objects
from cmp.checks.places import Written, written
from cmp.errors import CmpError, InternalError, KilledError, OutputError, UsageError
from cmp.render import masking
from cmp.render.output import CheckedOutput, Manifest
from cmp.secrets.redact import Redactor
from cmp.system import kernel, workers
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.batch.judging import Judging
    from cmp.findings import Finding

SUFFIXES = (".yaml", ".yml", ".json")
BUG_HINT = "this is a bug in cmp: please report it with the version of cmp"


class ManifestFile(NamedTuple):
    """A file of manifests: its place for messages, its content, and the application and cluster that they are of."""

    place: str
    data: bytes
    subject: Subject


def read_folder(folder: str, shown: str, cluster: str, clusters: Mapping[str, str]) -> list[ManifestFile]:
    """Read the files below a folder, `shown` in messages; UsageError for an empty one, and a file that is unreadable.

    A file of a folder that is called like one of the `clusters` (with their environments) is of that cluster; with
    `cluster` only its files are read.  In any other folder all files are of `cluster`.
    """
    names = sorted(
        os.path.relpath(os.path.join(above, name), folder)
        for above, folders, files in os.walk(folder)
        for name in files
        if name.endswith(SUFFIXES) and not name.startswith(".")
    )
    of_clusters = {name for name in names if name.partition(os.sep)[0] in clusters and os.sep in name}
    found = []
    for name in names:
        first, _, rest = name.partition(os.sep)
        own, app = (first, rest) if name in of_clusters else (cluster, name)
        if of_clusters and cluster and (name not in of_clusters or own != cluster):
            continue
        place = os.path.join(shown, name)
        subject = Subject(os.path.splitext(app)[0], own, clusters.get(own, ""))
        found.append(ManifestFile(place, _content(os.path.join(folder, name), place), subject))
    if not found:
        where = f" of cluster {cluster}" if of_clusters else ""
        raise UsageError(
            f"there are no manifests{where} in this folder", file=shown, hint=f"files {', '.join(SUFFIXES)}"
        )
    return found


def _content(path: str, place: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"cannot read this file: {error.strerror}", file=place) from None


class ManifestJudge:
    """Judges files of manifests, as many at once as there are cores."""

    def __init__(self, files: Sequence[ManifestFile], judging: Judging) -> None:
        self._files = files
        self._judging = judging
        self._read: dict[str, tuple[tuple[Manifest, Written], ...]] = {}

    def judged(self) -> Iterator[tuple[Subject, PrintedPair]]:
        """Yield the judgement on each file, or the error of one that holds no manifests, in their order."""
        results: dict[int, PrintedPair] = {}
        position = 0
        for index, result in workers.run(self._files, self._judge, kernel.processors(), subject="judgements"):
            results[index] = result or self._failed(self._files[index], KilledError(KILLED, hint=KILLED_HINT))
            while position in results:
                yield self._files[position].subject, results.pop(position)
                position += 1

    def located(self, subject: Subject, finding: Finding) -> Finding:
        """Return a finding with its line in the file that its object comes from."""
        file = next((one for one in self._files if one.place == finding.source and one.subject == subject), None)
        return finding if file is None else self._located(file, finding)

    def _judge(self, file: ManifestFile) -> PrintedPair:
        """Judge a file in a worker; never raises."""
        try:
            output = CheckedOutput(tuple(manifest for manifest, _ in self._manifests(file)), ())
            redactor = Redactor()
            masked = masking.objects(output, redactor, label)
            done = self._judging.judged(file.subject.cluster, plain_objects(output), masked, redactor)
        except CmpError as error:
            return self._failed(file, error)
        except Exception as error:  # noqa: BLE001  # a bug that one file meets; its message may hold values
            return self._failed(file, InternalError(f"internal error: {type(error).__name__}", hint=BUG_HINT))
        findings = tuple(self._located(file, finding) for finding in done.findings)
        app, cluster, _ = file.subject
        return PrintedPair(app, cluster, b"", notes=(), judged=done._replace(findings=findings))

    def _failed(self, file: ManifestFile, error: CmpError) -> PrintedPair:
        return failed(file.subject.app, file.subject.cluster, error, Redactor())

    def _manifests(self, file: ManifestFile) -> tuple[tuple[Manifest, Written], ...]:
        if file.place not in self._read:
            documents = yamldoc.parse_file(file.data, file.place, error=OutputError)
            for document in documents:
                if not isinstance(document.value, dict):
                    raise OutputError(
                        "this document is no manifest: it is no map", file=f"{file.place}:{document.line}"
                    )
            self._read[file.place] = tuple((_manifest(one, file.place), one) for one in written(documents))
        return self._read[file.place]

    def _located(self, file: ManifestFile, finding: Finding) -> Finding:
        identity = finding.identity
        lines = [
            one.line(finding.path)
            for manifest, one in self._manifests(file)
            if (manifest.api_version, manifest.identity) == (finding.api_version, identity)
        ]
        return finding._replace(file=file.place, line=lines[0] if len(lines) == 1 else 0)


def _manifest(one: Written, place: str) -> Manifest:
    value, metadata = one.value, mapping(one.value.get("metadata"))
    api_version, kind = value.get("apiVersion"), value.get("kind")
    name = metadata.get("name") or metadata.get("generateName")
    for key, text in (("apiVersion", api_version), ("kind", kind), ("metadata.name", name)):
        if not (isinstance(text, str) and text):
            raise OutputError(
                f"this is no manifest: it has no {key}",
                file=f"{place}:{one.line()}",
                hint="expected are objects of Kubernetes, as `cmp render` prints them",
            )
    namespace = metadata.get("namespace")
    return Manifest(
        str(api_version),
        str(kind),
        namespace if isinstance(namespace, str) else "",
        str(name),
        text="",
        value=value,
        source=place,
    )
