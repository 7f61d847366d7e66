"""The check of one render against the policy; a refusal tells administrator and author what each of them can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, with_ellipsis
from cmp.policy import flags, hosts, secrets, sources
from cmp.repository import layout
from cmp.system import urls
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.artifacts.charts.repository_chart import RepositoryChart
    from cmp.model import BuildEnv, Instance, RemoteRef
    from cmp.policy.document import Permission, Policy
    from cmp.secrets.sops.masterkeys import MasterKey
    from cmp.system.tree import Tree

MAX_LISTED = 8


class PolicyCheck(NamedTuple):
    """The rights of one render; each method raises ConfigError for a right that it has not.

    `folders` are patterns from the repository's root, None where any folder may be used.  `known_repositories` are the
    repositories, as `urls.normal` has their URLs, that an untrusted change may fetch charts from; None where there is
    no such limit.
    """

    policy: Policy
    tree: Tree | None = None
    project: str = ""
    folders: tuple[str, ...] | None = None
    known_repositories: frozenset[str] | None = None

    @property
    def policy_name(self) -> str:
        """The name of the policy in messages."""
        return self.policy.file or "a policy (CMP_POLICY)"

    def render(self, folder: str) -> None:
        """ConfigError unless this folder may be rendered."""
        self._require(folder, "render")

    def decrypt(self, files: Iterable[str]) -> None:
        """ConfigError for the first file that may not be decrypted."""
        for file in files:
            self._require(file, "decrypt", place=file)

    def keys(self, keys: Iterable[MasterKey], file: str, env: Mapping[str, str]) -> None:
        """SecretError for the first key of an encrypted file that sops, in this environment, may not use."""
        secrets.require(self.policy.secrets, self.policy.file, keys, env, file)

    def chart_folder(self, folder: str, place: str) -> None:
        """ConfigError unless the chart in this folder may be used, by `file://` or `chart`; `place` asks for it."""
        self._require(folder, "use the chart", place=place)

    def chart_host(self, subject: str, url: str, place: str) -> None:
        """ConfigError unless the policy lists the host of a repository; `subject` is the chart, `place` asks for it."""
        if self.known_repositories is not None and urls.normal(url) not in self.known_repositories:
            raise ConfigError(
                f"{subject} may not be fetched: nothing in the base revision comes from this repository",
                file=place,
                hint="an untrusted change gets charts from repositories that the base uses: review it, then compare "
                "it without --untrusted",
            )
        listed = self.policy.hosts
        if listed is not None and not hosts.is_listed(url, listed):
            raise _refusal(
                f"{subject} may not be used: the administrator's policy does not list its host {hosts.shown(url)}",
                f"an administrator adds the host to charts.hosts of {self.policy.file}; an author takes the chart from "
                f"a listed one: {with_ellipsis(listed, MAX_LISTED)}",
                place,
            )

    def chart_url(self, wanted: RepositoryChart | RemoteRef, url: str, led_by: str) -> bool:
        """Return whether the policy lists the host of a URL to which a chart's repository leads.

        ConfigError unless it does, or the URL is the repository's own or where a well-known one keeps its archives.
        """
        listed = hosts.is_listed(url, (*(self.policy.hosts or ()), *self.policy.redirects))
        is_own = urls.origin(url)[1:] == urls.origin(wanted.url)[1:]
        is_free = self.policy.hosts is None and self.known_repositories is None
        if listed or is_own or is_free or hosts.is_archive_host(url, led_by):
            return listed
        host = hosts.shown(url)
        what = f"{wanted.subject} may not be fetched: {hosts.shown(led_by)} leads to {host}"
        line = hosts.redirects_line((*self.policy.redirects, host))
        trusts = f"an administrator who trusts that host has the line `{line}` below `charts:` in {self.policy_name}"
        if self.known_repositories is not None:
            raise ConfigError(
                f"{what}, and the change is not trusted",
                file=wanted.place,
                hint=f"{trusts}; or review the change, then compare it without --untrusted",
            )
        raise _refusal(
            f"{what}, which the administrator's policy does not list",
            f"{trusts}; an author takes the chart from a repository that keeps its archives itself",
            wanted.place,
        )

    def schema(self, wanted: RemoteRef, url: str, led_by: str, *, is_known: bool) -> bool:
        """Return whether the policy lists the host of a URL of a remote schema, and raise as for charts.

        `is_known` says that the name of the schema does not come from an untrusted change.
        """
        repositories = None if is_known else self.known_repositories
        trusted = self._replace(known_repositories=None)
        if led_by:
            return trusted._replace(known_repositories=repositories).chart_url(wanted, url, led_by)
        listed = hosts.is_listed(url, self.policy.hosts or ())
        if repositories is not None and not listed and not any(urls.is_below(url, known) for known in repositories):
            raise ConfigError(
                f"{wanted.subject} may not be fetched: the change that names it is not trusted",
                file=wanted.place,
                hint="an untrusted change may name schemas that are in the cache, in repositories that the base uses, "
                "or on hosts that the policy lists: review it, then compare it without --untrusted",
            )
        trusted.chart_host(wanted.subject, url, wanted.place)
        return listed

    def feature(self, name: str, subject: str, place: str) -> None:
        """ConfigError unless the policy allows a feature such as `cue.cmd`; `subject` names the user of it."""
        if name not in self.policy.features:
            raise _refusal(
                f"{subject} is not allowed",
                f"an administrator sets {name} to true in {self.policy_name}; an author does without it",
                place,
            )

    def remote(self, wanted: RemoteRef) -> None:
        """ConfigError unless the policy lists the host of a remote base or file."""
        listed = self.policy.remote_hosts
        if not hosts.is_listed(wanted.url, listed):
            raise _refusal(
                f"{wanted.subject} may not be used: no administrator's policy lists its host {hosts.shown(wanted.url)}",
                f"an administrator adds the host to kustomize.hosts of {self.policy_name}; an author copies the files "
                "into the repository (`git subtree add`, or those files alone) and names that folder",
                wanted.place,
            )

    def _require(self, path: str, verb: str, place: str = "") -> None:
        """Check the target of a symlink too: a link is no way into another team's folder."""
        if self.tree is None or self.folders is None:
            return
        named, real = join(self.tree.prefix, path), join(self.tree.prefix, self.tree.resolve(path))
        if not _is_in(self.folders, real):
            shown = layout.shown(real) if real == named else f"{layout.shown(real)} (through {layout.shown(named)})"
            raise _refusal(
                f"AppProject {self.project} may not {verb} {shown}",
                f"its folders are {with_ellipsis(self.folders, MAX_LISTED)}; an administrator adds others to "
                f"`applications` of {self.policy.file}, an author keeps to these",
                place,
            )


def check_instance(policy: Policy, tree: Tree, instance: Instance) -> PolicyCheck:
    """Check project, namespaces, folders and flags of an instance; return the check of its files and charts."""
    project = instance.requester.project
    check = PolicyCheck(policy=policy, tree=tree, project=project, folders=_folders(policy, instance))
    named = instance.chart_folder if instance.chart_place else ""
    for folder in (instance.app_folder, instance.instance_folder, instance.folder):
        if folder and folder != named:
            check.render(folder)
    if named:
        check.chart_folder(named, instance.chart_place)
    if not instance.is_builtin:  # its flags are those of Argo CD's settings, and only harmless ones were taken
        flags.require(policy.flags, policy.file, tree, instance)
    return check


def _folders(policy: Policy, instance: Instance) -> tuple[str, ...] | None:
    """Return the folders of all rules for the AppProject and both namespaces; None where any folder may be used."""
    requester = instance.requester
    if policy.applications is None or not (requester.project or requester.in_sidecar):
        return None
    if not requester.project:
        raise _refusal(
            "the administrator's policy asks for an AppProject, and Argo CD names none",
            f"an administrator removes `applications` from {policy.file}, or runs an Argo CD that tells plugins the "
            "AppProject",
        )
    rules = [rule for rule in policy.applications if _matches(rule.projects, requester.project)]
    if not rules:
        raise _refusal(
            f"the administrator's policy has no rule for AppProject {layout.shown(requester.project)}",
            f"an administrator adds one to `applications` of {policy.file}; an author uses another AppProject",
        )
    rules = _from_source(policy, rules, instance.build_env, requester.project)
    namespaces = {
        "the Application's destination": requester.namespace,
        "by cmp-app.yaml, cmp.yaml or --namespace": instance.namespace,
    }
    fitting = [rule for rule in rules if all(_matches(rule.namespaces, name) for name in namespaces.values())]
    if not fitting:
        raise _namespace_refusal(policy, requester.project, rules, namespaces)
    return tuple(dict.fromkeys(folder for rule in fitting for folder in rule.folders))


def check_announcement(policy: Policy, tree: Tree, build_env: BuildEnv, folders: Iterable[str]) -> None:
    """ConfigError unless the rules together let an Application of this source render every one of the folders.

    For the form of an Application: that call of Argo CD tells neither its AppProject nor its namespace.
    """
    if policy.applications is None:
        return
    rules = [
        rule
        for rule in policy.applications
        if _is_from(rule, build_env) and (not build_env.project or _matches(rule.projects, build_env.project))
    ]
    allowed = tuple(folder for rule in rules for folder in rule.folders)
    for folder in folders:
        real = join(tree.prefix, tree.resolve(folder))
        if not _is_in(allowed, real):
            source = f"{sources.shown(build_env.repo_url)} at {layout.shown(build_env.target_revision or sources.HEAD)}"
            raise _refusal(
                f"no AppProject may render {layout.shown(real)} from {source}",
                f"an administrator adds a rule to `applications` of {policy.file}",
            )


def _is_from(rule: Permission, build_env: BuildEnv) -> bool:
    is_at = not rule.revisions or sources.is_revision(rule.revisions, build_env.target_revision)
    return _is_of_repository(rule, build_env) and is_at


def _is_of_repository(rule: Permission, build_env: BuildEnv) -> bool:
    return not rule.repositories or sources.is_repository(rule.repositories, build_env.repo_url)


def _from_source(policy: Policy, rules: list[Permission], build_env: BuildEnv, project: str) -> list[Permission]:
    """Return the rules of a project for the Application's repository and revision; ConfigError without any."""
    fitting = [rule for rule in rules if _is_from(rule, build_env)]
    if fitting:
        return fitting
    if of_repository := [rule for rule in rules if _is_of_repository(rule, build_env)]:
        source = f"at the revision {layout.shown(build_env.target_revision or sources.HEAD)}"
        kind, known = "revisions", [name for rule in of_repository for name in rule.revisions]
    else:
        source = f"from the repository {sources.shown(build_env.repo_url)}"
        kind, known = "repositories", [name for rule in rules for name in rule.repositories]
    raise _refusal(
        f"AppProject {layout.shown(project)} may not render {source}",
        f"its {kind} are {with_ellipsis(tuple(dict.fromkeys(known)), MAX_LISTED)}; an administrator adds others to "
        f"`applications` of {policy.file}, an author keeps to these",
    )


def _is_in(folders: Iterable[str], path: str) -> bool:
    """Return whether a path is a folder that one of the patterns matches, or lies in one."""
    return any(layout.matches_above(layout.parse(folder), path) for folder in folders)


def _matches(patterns: Iterable[str], name: str) -> bool:
    segments = (layout.parse_text(pattern).segments[0] for pattern in patterns)
    return any(layout.match_name(segment, name, {}) is not None for segment in segments)


def _refusal(what: str, hint: str, place: str = "") -> ConfigError:
    return ConfigError(what, file=place, hint=hint, is_external=True)


def _namespace_refusal(
    policy: Policy, project: str, rules: list[Permission], namespaces: dict[str, str]
) -> ConfigError:
    known = tuple(dict.fromkeys(name for rule in rules for name in rule.namespaces))
    # Where each of the two has a rule, and no rule has both, the render's is the one that an author can change here.
    source, name = next(
        ((source, name) for source, name in namespaces.items() if not _matches(known, name)), [*namespaces.items()][-1]
    )
    return _refusal(
        f"AppProject {project} may not render for namespace {layout.shown(name) or '(none)'} ({source})",
        f"its namespaces are {with_ellipsis(known, MAX_LISTED)}; an administrator adds others to `applications` of "
        f"{policy.file}, an author keeps to these",
    )
