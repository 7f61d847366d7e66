"""A revision of the Git repository around us as a source tree: read from its objects, the checkout is not touched.

One `git ls-tree` lists a commit, and `git diff-tree` what differs in each further one: it enters no folder of which
both have the same object id.  Contents come from one `git cat-file --batch` a process.  A work folder is read as its
commit with what differs from it on top: files that git ignores are no part of it, for Argo CD never sees them.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cmp.errors import ConfigError, ToolError, UsageError
from cmp.system.batch_process import BatchProcess
from cmp.system.process import Command, run
from cmp.system.tree import GIT, Entry, bounded, git_root, in_git, is_below, is_in_git, join, outside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.context import Context
    from cmp.system.process import Result
    from cmp.system.tree import Kind

WORK = "the work folder"
LINK, SUBMODULE, FOLDER, EXECUTABLE = "120000", "160000", "040000", "100755"
MAX_LINKS = 40  # as Linux follows
REMOTE = "origin/"
TRUNKS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
PROGRAM = "git"
NOTHING_FOUND = 1  # the exit code of `git grep`
ABSENT = "000000"  # the mode of a path on the side of `git diff-tree` that lacks it
FEW_PATHS = 200  # that one command line takes
AT_ONCE = 60  # object ids of 64 digits that the smallest pipe holds, one page
# No hook, pager or file system monitor of the repository's configuration runs, and a folder of a change that looks like
# a bare repository is not taken for one.
SAFE = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit"),
    *("--no-optional-locks", "--no-pager"),
)


class Blob(NamedTuple):
    """An entry of a tree: Git's mode and object id, and the `file` of the work folder where that has the content.

    The content of one that `is_made` lies nowhere: it was made for a tree with changed files.
    """

    mode: str
    id: str
    file: str = ""
    is_made: bool = False


class Git:
    """The repository around a folder, through the git program."""

    def __init__(self, folder: str, context: Context) -> None:
        self._folder = folder
        self._context = context
        self._reader: tuple[int, BatchProcess] | None = None
        self._contents: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        self._blobs: dict[str, dict[str, Blob]] = {}  # of whole commits
        self._holding: dict[tuple[str, ...], tuple[str, list[str]]] = {}  # a commit, and what holds these words there

    def commit(self, revision: str) -> str:
        """Return the full commit that a revision names; UsageError when it names none."""
        result = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if result.returncode:
            self._require_repository()
            raise UsageError(
                f"there is no commit {revision} in this repository",
                hint="fetch it; in CI, check out with the whole history (actions/checkout: fetch-depth: 0)",
            )
        return result.stdout.decode().strip()

    def merge_base(self, first: str, second: str) -> str:
        """Return the newest commit that both come from; UsageError without one."""
        result = self._run("merge-base", first, second)
        if result.returncode:
            shallow = self._must("rev-parse", "--is-shallow-repository").strip() == b"true"
            raise UsageError(
                f"{first[:7]} and {second[:7]} have no common commit" + (" in this shallow clone" if shallow else ""),
                hint="check out with the whole history (actions/checkout: fetch-depth: 0), or name the commit itself "
                "by --base REV --exact",
            )
        return result.stdout.decode().strip()

    def trunk(self) -> str:
        """Return the branch that others merge into, as far as this clone knows; UsageError when it does not."""
        for name in TRUNKS:
            if self._run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").returncode == 0:
                return self._must("rev-parse", "--abbrev-ref", name).decode().strip() or name
        self._require_repository()
        raise UsageError("which base? this clone has no main branch", hint="name it: --base REV")

    def names(self) -> list[str]:
        """Return the branches, also those of remotes, and the tags of this clone, by their short names."""
        kinds = ("refs/heads", "refs/remotes", "refs/tags")
        return self._must("for-each-ref", "--format=%(refname:short)", *kinds).decode(errors="replace").splitlines()

    def remotes(self) -> tuple[str, ...]:
        """Return the URLs of the remotes of this clone, each once."""
        listed = self._run("config", "--get-regexp", r"^remote\..*\.(push)?url$").stdout.decode("utf-8", "replace")
        return tuple(dict.fromkeys(line.partition(" ")[2] for line in listed.splitlines()))

    def tree(self, commit: str, prefix: str = "") -> GitTree:
        """Return a commit's tree below `prefix`."""
        return GitTree(_below(self._listed(commit), prefix), self, prefix, commit)

    def _listed(self, commit: str) -> Mapping[str, Blob]:
        """Return the files of a whole commit; one that is not the first by what differs from that."""
        if commit not in self._blobs:
            first = next(iter(self._blobs), "")
            self._blobs[commit] = self._with_differences(first, commit) if first else self._whole(commit)
        return self._blobs[commit]

    def _whole(self, commit: str) -> dict[str, Blob]:
        blobs: dict[str, Blob] = {}
        for line in _records(self._must("ls-tree", "-r", "-z", "--full-tree", commit)):
            about, _, path = line.partition("\t")
            mode, _, name = about.split(" ")
            blobs[path] = Blob(mode, name)
        return blobs

    def _with_differences(self, first: str, commit: str) -> dict[str, Blob]:
        known = self._blobs[first]
        blobs = dict(known)
        options = ("-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none")
        records = iter(_records(self._must("diff-tree", *options, first, commit, "--")))
        for about, path in zip(records, records, strict=True):
            _, mode, _, name, _ = about.split(" ")
            if mode == ABSENT:
                del blobs[path]
            else:
                blobs[path] = Blob(mode, name)
        return blobs if blobs.keys() == known.keys() else dict(sorted(blobs.items()))

    def work_tree(self, prefix: str = "") -> GitTree:
        """Return the commit that is checked out with what was changed since: edited, removed and new files."""
        top = self._must("rev-parse", "--show-toplevel").decode().rstrip("\n")
        head = self.commit("HEAD")
        tree = self.tree(head)
        blobs = dict(tree.blobs)
        for path in self.uncommitted():
            blobs.pop(path, None)
            if (blob := _of_work(os.path.join(top, path))) is not None:
                blobs[path] = blob
        return GitTree(_below(blobs, prefix), self, prefix, head)

    def uncommitted(self) -> list[str]:
        """Return the paths, from the repository's top, that differ from the commit that is checked out, sorted."""
        status = self._must("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignored=no")
        return sorted(line[3:] for line in _records(status))

    def read(self, blob: Blob) -> bytes:
        """Return the content of a file; ConfigError when it is too large to be part of a configuration."""
        if blob.file:
            return os.fsencode(os.readlink(blob.file)) if blob.mode == LINK else _bytes(blob.file)
        if blob.id not in self._contents:
            self._ask([blob.id])
        return self._contents[blob.id]

    def load(self, blobs: Iterable[Blob]) -> None:
        """Read the content of files that will be asked for: many at once take less time than one after the other."""
        names = [*dict.fromkeys(blob.id for blob in blobs if not blob.file and blob.id not in self._contents)]
        for start in range(0, len(names), AT_ONCE):
            self._ask(names[start : start + AT_ONCE])

    def sizes(self, blobs: Iterable[Blob]) -> list[int]:
        """Return the sizes of files without reading them; those of a commit come from one call of git."""
        blobs = [*blobs]
        unknown = [*dict.fromkeys(blob.id for blob in blobs if not blob.file and blob.id not in self._sizes)]
        if unknown:
            listed = self._must(
                "cat-file", "--batch-check=%(objectsize)", stdin="".join(f"{name}\n" for name in unknown)
            )
            for name, size in zip(unknown, listed.decode().splitlines(), strict=True):
                if not size.isdecimal():
                    raise _missing(name)
                self._sizes[name] = int(size)
        return [os.lstat(blob.file).st_size if blob.file else self._sizes[blob.id] for blob in blobs]

    def holding(self, commit: str, words: Sequence[str]) -> list[str]:
        """Return the paths of the files of a commit that hold all of these words, without reading the files here."""
        key = tuple(words)
        if key not in self._holding:
            self._holding[key] = commit, self._searched(commit, words, [])
        first, found = self._holding[key]
        if commit == first:
            return found
        before, after = self._listed(first), self._listed(commit)
        different = [path for path, blob in after.items() if before.get(path) != blob]
        if len(different) > FEW_PATHS:
            return self._searched(commit, words, [])
        same = [path for path in found if path in after and after[path] == before[path]]
        return same + (self._searched(commit, words, different) if different else [])

    def _searched(self, commit: str, words: Sequence[str], paths: Sequence[str]) -> list[str]:
        """Return the paths that hold all words among these, or among all."""
        patterns = [argument for word in words for argument in ("-e", word)]
        arguments = ("-l", "-z", "-a", "-F", "--no-color", "--no-recurse-submodules", "--full-name", "--all-match")
        among = [f":(top,literal){path}" for path in paths]
        result = self._run("grep", *arguments, *patterns, commit, "--", *among)
        if result.returncode not in (0, NOTHING_FOUND):
            raise ToolError(f"git grep failed: {_message(result)}", file=self._folder)
        return [path.removeprefix(f"{commit}:") for path in _records(result.stdout)]

    def close(self) -> None:
        """End the program that reads objects."""
        if self._reader and self._reader[0] == os.getpid():
            self._reader[1].close()
        self._reader = None

    def _ask(self, names: Sequence[str]) -> None:
        """Read objects, no more than AT_ONCE: the pipe takes the question while git still writes its answer."""
        if self._reader is None or self._reader[0] != os.getpid():  # the pipes of another process are not ours
            command = self._command("cat-file", "--batch")
            self._reader = os.getpid(), BatchProcess(command, self._context.deadline)
        reader = self._reader[1]
        reader.ask("".join(f"{name}\n" for name in names).encode())
        for name in names:
            answer = reader.line().decode().split()
            if len(answer) != 3:  # noqa: PLR2004  # name, type, size; else "<name> missing"
                self.close()  # what else was asked would be taken for the next answer
                raise _missing(name)
            self._contents[name] = reader.exactly(int(answer[2]))
            reader.exactly(1)

    def _require_repository(self) -> None:
        """ToolError with git's own message where there is no repository, or it belongs to another user."""
        self._must("rev-parse", "--git-dir")

    def _must(self, *arguments: str, stdin: str = "") -> bytes:
        result = self._run(*arguments, stdin=stdin)
        if result.returncode:
            raise ToolError(f"git {arguments[0]} failed: {_message(result)}", file=self._folder)
        return result.stdout

    def _run(self, *arguments: str, stdin: str = "") -> Result:
        return run(self._command(*arguments)._replace(stdin=stdin.encode()), self._context.deadline)

    def _command(self, *arguments: str) -> Command:
        return command(self._folder, self._context, *arguments)


def command(folder: str, context: Context, *arguments: str) -> Command:
    """Return a call of git for the repository whose `.git` a folder holds; ToolError where it holds none.

    No commit can have that name.  In a folder without it git would look for what resembles a bare repository, which a
    change can bring, and with it a configuration that runs programs; Git before 2.38 does not know how to forbid that.
    """
    if not os.path.lexists(os.path.join(folder, GIT)):
        raise ToolError("there is no Git repository here", file=folder, hint="go into a clone of it")
    env = {
        **context.settings.env.plain,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CEILING_DIRECTORIES": os.path.dirname(folder),
        "LC_ALL": "C",
    }
    return Command(f"git {arguments[0]}", (PROGRAM, *SAFE, *arguments), env, cwd=folder, ends_alone=True)


def require_untracked(folders: Mapping[str, str], context: Context) -> None:
    """ConfigError where Git tracks anything in one of our own folders, each by the setting that names it.

    An author of the repository could write content that is taken for verified there: charts, answers, programs.
    """
    for setting, folder in folders.items():
        for place in dict.fromkeys((folder, os.path.realpath(folder))):
            top = git_root(place)
            if top and _tracks(top, os.path.relpath(place, top), context):
                raise ConfigError(
                    f"{setting} is {folder!r}, a folder of a checkout in which Git tracks files",
                    hint="what lies there is trusted, and a commit could bring it: name a folder outside of the "
                    "checkout, or remove it from Git (`git rm -r --cached`)",
                )


def _tracks(top: str, path: str, context: Context) -> bool:
    pathspec = "." if path == "." else f":(top,literal,icase){path}"
    result = run(command(top, context, "ls-files", "-z", "--", pathspec), context.deadline)
    if result.returncode:
        message = _message(result)
        if message.startswith("not a git repository") and os.path.isdir(os.path.join(top, GIT)):
            return False  # a folder that only has the name
        raise ToolError(f"git ls-files failed: {message}", file=top)
    return bool(result.stdout)


def _records(data: bytes) -> list[str]:
    """Return what git ends with NUL characters."""
    return data.decode("utf-8", "surrogateescape").split("\0")[:-1]


def _message(result: Result) -> str:
    return result.stderr.decode(errors="replace").strip().removeprefix("fatal: ")


def _missing(name: str) -> ToolError:
    return ToolError(f"the object {name} is missing in this clone", hint="a partial clone has to fetch it")


def _below(blobs: Mapping[str, Blob], prefix: str) -> dict[str, Blob]:
    start = f"{prefix}/" if prefix else ""
    return {
        path.removeprefix(start): blob
        for path, blob in blobs.items()
        if path.startswith(start) and not is_in_git(path)  # git itself checks out no such path
    }


def _of_work(path: str) -> Blob | None:
    """Return the entry of a path of the work folder, with the id that git would give it; None for a missing path."""
    try:
        if os.path.islink(path):
            return Blob(LINK, _id(os.fsencode(os.readlink(path))), path)
        if os.path.isdir(path):
            return Blob(SUBMODULE, "")
        return Blob(EXECUTABLE if os.access(path, os.X_OK) else "100644", _id(_bytes(path)), path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read this file: {error.strerror}", file=path) from None


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class BlobReader(Protocol):
    """The source of the files of a listing."""

    def read(self, blob: Blob) -> bytes:
        """Return the content of a file."""

    def load(self, blobs: Iterable[Blob]) -> None:
        """Read the content of files that will be asked for."""

    def sizes(self, blobs: Iterable[Blob]) -> list[int]:
        """Return the sizes of files."""

    def holding(self, commit: str, words: Sequence[str]) -> list[str]:
        """Return the paths, from the repository's top, of the files of a commit that hold all of these words."""


class _Reader(NamedTuple):
    """A reader that knows the contents of more files, by their ids."""

    reader: BlobReader
    made: Mapping[str, bytes]

    def read(self, blob: Blob) -> bytes:
        return self.made[blob.id] if blob.id in self.made else self.reader.read(blob)

    def load(self, blobs: Iterable[Blob]) -> None:
        self.reader.load(blob for blob in blobs if blob.id not in self.made)

    def sizes(self, blobs: Iterable[Blob]) -> list[int]:
        blobs = [*blobs]
        others = iter(self.reader.sizes(blob for blob in blobs if blob.id not in self.made))
        return [len(self.made[blob.id]) if blob.id in self.made else next(others) for blob in blobs]

    def holding(self, commit: str, words: Sequence[str]) -> list[str]:
        return self.reader.holding(commit, words)


class _Files:
    """A reader for a folder without Git: every file is one of the file system."""

    def read(self, blob: Blob) -> bytes:
        return os.fsencode(os.readlink(blob.file)) if blob.mode == LINK else _bytes(blob.file)

    def load(self, blobs: Iterable[Blob]) -> None:
        """Do nothing: the system reads a file as fast alone."""

    def sizes(self, blobs: Iterable[Blob]) -> list[int]:
        return [os.lstat(blob.file).st_size for blob in blobs]

    def holding(self, commit: str, words: Sequence[str]) -> list[str]:  # noqa: ARG002  # there is no commit
        return []


def of_folder(root: str) -> GitTree:
    """Return a folder as it lies there, with the names that Git would give the contents; hidden folders are left out.

    It is for a folder that no commit has.
    """
    blobs: dict[str, Blob] = {}
    for folder, folders, files in os.walk(root):
        for name in [name for name in folders if name.startswith(".")]:
            folders.remove(name)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*files, *links):
            path = os.path.join(folder, name)
            if (os.path.islink(path) or os.path.isfile(path)) and (blob := _of_work(path)):
                blobs[os.path.relpath(path, root)] = blob
    return GitTree(dict(sorted(blobs.items())), _Files(), "")


class GitTree:
    """A listing of files as a source tree (`tree.Tree`).

    `blobs` are all files and links by their paths from the root, most of them those of `commit`.
    """

    def __init__(self, blobs: Mapping[str, Blob], reader: BlobReader, prefix: str, commit: str = "") -> None:
        self.blobs = blobs
        self.prefix = prefix
        self.reader = reader
        self.commit = commit
        self._folders: dict[str, dict[str, Blob]] = {"": {}}
        for path, blob in blobs.items():
            self._add(path, blob)

    def with_file(self, path: str, data: bytes) -> GitTree:
        """Return the tree with one more file, or another content of one, that lies nowhere."""
        return self.with_files({path: data})

    def with_files(self, files: Mapping[str, bytes | None]) -> GitTree:
        """Return the tree with other contents of some files, by their paths; without those that have none."""
        made = {path: Blob("100644", _id(data), is_made=True) for path, data in files.items() if data is not None}
        blobs = {path: blob for path, blob in self.blobs.items() if files.get(path, b"") is not None}
        contents = {blob.id: data for path, blob in made.items() if (data := files[path]) is not None}
        return GitTree({**blobs, **made}, _Reader(self.reader, contents), self.prefix, self.commit)

    def without_file(self, path: str) -> GitTree:
        """Return the tree without one of its files."""
        blobs = {other: blob for other, blob in self.blobs.items() if other != path}
        return GitTree(blobs, self.reader, self.prefix, self.commit)

    def _add(self, path: str, blob: Blob) -> None:
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = {}
            self._add(folder, Blob(FOLDER, ""))
        self._folders[folder][name] = blob

    def kind(self, path: str) -> Kind:
        """Return the kind of file at the path, symbolic links followed."""
        real = self._real(path)
        if real is None:
            return "other" if self._is_link(posixpath.normpath(path)) else "missing"
        return self._kind(real)

    def entries(self, path: str) -> list[Entry]:
        """List a folder, sorted by name; a missing folder is empty."""
        real = self._real(path)
        blobs = self._folders.get(real, {}) if real is not None else {}
        return [
            Entry(name, self.kind(join(path, name)) if blob.mode == LINK else _kind(blob), blob.mode == LINK)
            for name, blob in sorted(blobs.items())
        ]

    def read(self, path: str) -> bytes:
        """Read a whole file; ConfigError when it is missing, too large or not a file."""
        real = self._real(path)
        if real is None or self._kind(real) == "missing":
            raise ConfigError("cannot read this file: No such file or directory", file=path)
        if self._kind(real) != "file":
            raise ConfigError("this is not a regular file", file=path)
        return bounded(path, self.reader.read(self.blobs[real]))

    def load(self, paths: Iterable[str]) -> None:
        """Read files that will be asked for, as far as they are there."""
        self.reader.load(blob for path in paths if (blob := self.blobs.get(path)) and blob.mode != SUBMODULE)

    def holding(self, *words: str) -> list[str]:
        """Return the paths, sorted, of all files that hold all of these words; those of the work folder are read."""
        start = f"{self.prefix}/" if self.prefix else ""
        listed = self.reader.holding(self.commit, words)
        below = {path.removeprefix(start) for path in listed if path.startswith(start)}
        return sorted(
            path
            for path, blob in self.blobs.items()
            if blob.mode not in (LINK, SUBMODULE)
            and (self._holds(blob, words) if blob.file or blob.is_made else path in below)
        )

    def names_of(self, folder: str) -> frozenset[str]:
        """Return the folder and all links that lead to it, into it, or to another such link, by their own text."""
        links = [path for path, blob in self.blobs.items() if blob.mode == LINK]
        texts = {path: self.reader.read(self.blobs[path]).decode("utf-8", "surrogateescape") for path in links}
        targets = {path: posixpath.normpath(join(posixpath.dirname(path), text)) for path, text in texts.items()}
        names = {folder}
        while found := {path for path in targets if is_below(targets[path], names)} - names:
            names |= found
        return frozenset(names)

    def _holds(self, blob: Blob, words: Sequence[str]) -> bool:
        data = self.reader.read(blob)
        return all(word.encode() in data for word in words)

    def is_executable(self, path: str) -> bool:
        """Tell whether Git marks a file as executable, links followed."""
        real = self._real(path)
        blob = self.blobs.get(real) if real is not None else None
        return blob is not None and blob.mode == EXECUTABLE

    def sizes(self, paths: Sequence[str]) -> list[int]:
        """Return the sizes of files, links followed."""
        return self.reader.sizes(self.blobs[self.resolve(path)] for path in paths)

    def resolve(self, path: str) -> str:
        """Return the root-relative path with every symbolic link followed."""
        real = self._real(path)
        return posixpath.normpath(path) if real is None else real

    def digest(self, path: str) -> str:
        """Return Git's name for the content of a file, links followed; empty for a missing file."""
        real = self._real(path)
        blob = self.blobs.get(real) if real is not None else None
        return f"{blob.mode} {blob.id}" if blob else ""

    def _kind(self, real: str) -> Kind:
        if real in self._folders:
            return "folder"
        return _kind(self.blobs[real]) if real in self.blobs else "missing"

    def _is_link(self, path: str) -> bool:
        blob = self.blobs.get(path)
        return blob is not None and blob.mode == LINK

    def _real(self, path: str) -> str | None:
        """Follow every link of a path; None for a broken link.  ConfigError for one that leads outside."""
        if path in self._folders or (path in self.blobs and not self._is_link(path)):
            return path  # a listed path has no link on its way
        if "\0" in path:
            raise ConfigError("a path with a NUL character", file=path.replace("\0", "\\0"))
        done: list[str] = []
        waiting = list(reversed(path.split("/")))
        links = 0
        while waiting and links <= MAX_LINKS:
            _step(waiting.pop(), done, path)
            if self._is_link("/".join(done)):
                links += 1
                waiting += reversed(self._target("/".join(done), path).split("/"))
                done.pop()
        real = "/".join(done)
        if is_in_git(real):
            raise in_git(path)
        is_there = not waiting and (real in self._folders or real in self.blobs)
        return real if is_there or not links else None

    def _target(self, link: str, path: str) -> str:
        target = self.reader.read(self.blobs[link]).decode("utf-8", "surrogateescape")
        if target.startswith("/"):
            raise outside(path)
        return target


def _step(part: str, done: list[str], path: str) -> None:
    """Go one part of a path further, in `done`."""
    if part == "..":
        if not done:
            raise outside(path)
        done.pop()
    elif part not in ("", "."):
        done.append(part)


def _kind(blob: Blob) -> Kind:
    return "folder" if blob.mode in (FOLDER, SUBMODULE) else "file"


def changed(base: GitTree, head: GitTree) -> Iterator[str]:
    """Yield the paths, sorted, that differ between two trees: in content, in mode, or by being in one tree alone."""
    for path in sorted(base.blobs.keys() | head.blobs.keys()):
        before, after = base.blobs.get(path), head.blobs.get(path)
        if before is None or after is None or before[:2] != after[:2]:
            yield path
