"""The names that a shell may put at the cursor, as click asks for them (`shell_complete`): of the tree that is here.

Each reads folders, cmp.yaml and the tool store, and nothing else: no network, no key, no write.  Any error means that
there is no candidate, and so nothing here is caught; what does not fit the typed word is left out by `completion`.
Imports stand inside: each command imports this module, and most runs complete nothing.
"""

# ruff: noqa: PLC0415, ARG001  # click passes all three arguments

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from cmp.model import Settings
    from cmp.repository.instances import Repository

Items = list[CompletionItem]


def apps(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the applications: those on the cluster that `--cluster` names before, without those named already."""
    cluster, named = ctx.params.get("cluster"), ctx.params.get(param.name or "")
    taken = named if isinstance(named, tuple) else ()
    repository = _repository()
    if cluster:
        names = {pair.app for pair in repository.pairs() if pair.cluster == cluster}
    else:  # the folders alone: of ten thousand pairs the list takes a second
        names = {folder.name for folder in repository.places.app_folders()}
    return _items(sorted(names.difference(taken)))


def apps_or_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return what `cmp paths` takes: applications, with `--check` files."""
    return files(ctx, param, incomplete) if ctx.params.get("check") else apps(ctx, param, incomplete)


def clusters(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the clusters on which the applications named before run, else those of the inventory, or all that are."""
    repository = _repository()
    named = _named(ctx)
    if not named and repository.config.clusters:  # of ten thousand pairs the list takes a second
        return _items(sorted(repository.config.clusters))
    names = {pair.cluster for app in named or ("",) for pair in repository.pairs(app)}
    return _items(sorted(names - {""}))


def namespaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the applications where a namespace stands for one: where APP is left out."""
    return [] if _named(ctx) else apps(ctx, param, incomplete)


def tools(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the tools that can be pinned."""
    from cmp.repository.config.keys import TOOLS

    return _items(TOOLS)


def versions(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the known versions of the tool named before."""
    return _items(_versions(ctx.params.get("tool") or ""))


def tools_at_versions(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return every TOOL@VERSION that is known."""
    from cmp.repository.config.keys import TOOLS

    taken = ctx.params.get(param.name or "") or ()
    known = (f"{tool}@{version}" for tool in TOOLS for version in _versions(tool))
    return _items(spec for spec in known if spec not in taken)


def installed(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the installed versions of the tool in the name of an option, such as `--helm-version`."""
    return _items(_installed((param.name or "").removesuffix("_version")))


def cached(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the charts and remote bases in the cache, by name."""
    from cmp.artifacts.cache import ChartCache

    records = ChartCache(_settings().cache_dir).records()
    return _items(sorted({record.key.name for record in records}))


def revisions(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the branches and tags of this clone."""
    from cmp.context import Context
    from cmp.repository.git import Git
    from cmp.secrets.redact import Redactor
    from cmp.system.log import Log, Phases
    from cmp.system.process import Deadline
    from cmp.system.tree import git_root

    log = Log(open(os.devnull, "w", encoding="utf-8"), str)  # noqa: SIM115  # this process ends at once
    context = Context(_settings(), Deadline(1), Redactor(), log, Phases())
    return _items(Git(git_root(os.getcwd()), context).names())


def applications(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the Applications in the file that `--application` names before."""
    from cmp.argocd import document

    file = ctx.params.get("application") or "-"
    if file == "-":  # stdin is the terminal
        return []
    with open(file, "rb") as opened:
        manifests = [*document.objects(opened.read(), file)]
    found = [manifest.names for manifest in manifests if document.is_a("Application", manifest.value)]
    names = [name for name, _ in found]
    return _items(whole if names.count(name) > 1 else name for name, whole in found)


def dangers(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the rules of gates, behind those in the list that is typed already."""
    from cmp.preview.diff import GATES

    before, comma, _ = incomplete.rpartition(",")
    return _items(f"{before}{comma}{rule}" for rule in GATES if rule not in before.split(","))


def formats_and_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return FORMAT=FILE: the formats of a report, a plan and a part, then a file."""
    from cmp.preview.parts import PART
    from cmp.preview.shares import PLAN
    from cmp.report import FORMATS

    return _formats((*FORMATS, PLAN, PART), incomplete)


def formats_of_findings(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return FORMAT=FILE: the formats of `cmp check`, then a file."""
    from cmp.report.findings import FORMATS

    return _formats(FORMATS, incomplete)


def clones(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Return the folder of URL=FOLDER, once its URL is typed."""
    url, equals, _ = incomplete.rpartition("=")
    return [CompletionItem(f"{url}=", type="dir")] if equals else []


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Leave it to the shell to find a file."""
    return [CompletionItem("", type="file")]


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Leave it to the shell to find a folder."""
    return [CompletionItem("", type="dir")]


def _named(ctx: click.Context) -> tuple[str, ...]:
    """Return the applications named before; where an option waits for its value, click leaves arguments in `args`."""
    options = (ctx.params.get("app"), ctx.params.get("namespace"))
    arguments = ctx.params.get("apps") or ctx.params.get("names") or ()
    takes_apps = any(one.name in ("app", "apps", "names") for one in ctx.command.params if _is_argument(one))
    return (*filter(None, options), *arguments, *(ctx.args if takes_apps else ()))


def _is_argument(parameter: click.Parameter) -> bool:
    return parameter.param_type_name == "argument"


def _formats(formats: Iterable[str], incomplete: str) -> Items:
    name, equals, _ = incomplete.partition("=")
    if equals:
        return [CompletionItem(f"{name}=", type="file")]
    return [CompletionItem(f"{one}=", type="part") for one in formats]


def _items(values: Iterable[str]) -> Items:
    return [CompletionItem(value) for value in values]


def _settings() -> Settings:
    from cmp import environ

    return environ.current(default_deadline=environ.PERSON_DEADLINE).settings


def _repository() -> Repository:
    from cmp.engines import ENGINES
    from cmp.repository import instances

    tree, _ = instances.open_repository(os.getcwd())
    return instances.Repository(tree, ENGINES)


def _installed(tool: str) -> list[str]:
    from cmp.artifacts import toolstore

    settings = _settings()
    return toolstore.versions(settings.tools_dir, tool, settings.custom_tools)


def _versions(tool: str) -> list[str]:
    """Return the versions of a tool that are installed, pinned in the repository, or pinned by cmp itself."""
    from cmp.errors import CmpError
    from cmp.render import tool_usage
    from cmp.repository.config.model import PINS
    from cmp.versions import order

    try:
        written = [one.pin for one in tool_usage.written_pins(_repository())]
    except CmpError:  # tools are installed outside of repositories, too
        written = []
    pins = {pin.version for pin in (*written, *PINS.values()) if pin.name == tool}
    return sorted(pins.union(_installed(tool)), key=order)
