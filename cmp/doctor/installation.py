"""The installation and the repository around the working directory, examined for problems of the next render."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cmp import policy, yamldoc
from cmp.artifacts import toolstore
from cmp.doctor import Check, failed, pins, protection
from cmp.errors import CmpError, and_more
from cmp.render import tool_usage
from cmp.render.decrypt import SOPS
from cmp.repository import instances
from cmp.repository.instances.nowhere import nowhere
from cmp.secrets import placeholders, sops
from cmp.secrets.redact import SHORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp.model import Settings
    from cmp.policy.document import Policy
    from cmp.render.tool_usage import Usage
    from cmp.system.tree import Tree

KEY_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_CLIENT_ID",
    "GNUPGHOME",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "VAULT_ADDR",
    "VAULT_TOKEN",
)
MAX_NAMED = 5
SHORT_HINT = "inside a longer text a message may show them: only where it is a whole value, a secret so short is masked"


def examine(cwd: str, settings: Settings) -> Iterator[Check]:
    """Yield every check, cheap ones first; nothing is fetched, decrypted or written."""
    yield _interpreter()
    yield _writable("chart cache", settings.cache_dir)
    yield _writable("state", settings.state_dir)
    yield from protection.examine(settings)
    if settings.policy:
        yield from _policy(cwd, settings.policy)
    yield from _repository(cwd, settings) if instances.has_repository(cwd) else _without_repository(cwd, settings)


def _interpreter() -> Check:
    version = ".".join(str(number) for number in sys.version_info[:3])
    try:
        yamldoc.preload()
    except CmpError as error:
        return Check("Python", "problem", f"{version}: {error.what}", error.hint)
    return Check("Python", "ok", f"{version}, PyYAML with libyaml")


def _writable(name: str, path: str) -> Check:
    existing = path
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK):
        return Check(name, "ok", path if existing == path else f"{path} (will be made)")
    return Check(name, "problem", f"{path} cannot be written to", hint="charts that are in it are used; others fail")


def _policy(cwd: str, path: str) -> Iterator[Check]:
    try:
        loaded = policy.load(path, instances.open_repository(cwd)[0] if instances.has_repository(cwd) else None)
    except CmpError as error:
        yield failed("policy", error)
        return
    yield Check("policy", "ok", path)
    yield from _allowed_programs(loaded)
    yield from _rules_for_all_sources(loaded, path)


def _allowed_programs(loaded: Policy) -> Iterator[Check]:
    """Yield the features that the policy allows, and the part of the sandbox that each of them gives up."""
    hint = "allow it only where those who can push could read the secrets of this sidecar anyway"
    for engine, consequence in (
        ("helmfile", "a helmfile that uses it runs without the wall, and what it starts too"),
        ("cue", "`cue cmd` and what it starts run behind a wider wall: all programs of the system, no TCP"),
    ):
        features = sorted(feature for feature in loaded.features if feature.startswith(f"{engine}."))
        if features:
            yield Check("policy", "warning", f"{', '.join(features)}: {consequence}", hint)


def _rules_for_all_sources(loaded: Policy, path: str) -> Iterator[Check]:
    """Yield the rules that hold for every repository, and those that hold for every revision."""
    rules = loaded.applications or ()
    for kind, unlimited, risk in (
        ("repositories", [rule for rule in rules if not rule.repositories], "a fork with the same folders"),
        ("revisions", [rule for rule in rules if not rule.revisions], "a stranger's pull request"),
    ):
        if unlimited:
            named = "; ".join(f"{path}:{rule.line} ({', '.join(rule.projects)})" for rule in unlimited)
            hint = (
                f"list its {kind}: else the author of an Application may render {risk}, with a copy of another team's "
                'encrypted file, wherever the AppProject\'s sourceRepos let it; `sourceRepos: ["*"]` lets it anywhere'
            )
            yield Check(f"policy, {kind}", "warning", f"rules without {kind} hold for all: {named}", hint)


def _repository(cwd: str, settings: Settings) -> Iterator[Check]:
    try:
        tree, _ = instances.open_repository(cwd)
        usage = tool_usage.survey(tree)
    except CmpError as error:
        yield failed("repository", error)
        return
    pairs = len(usage.uses) + len(usage.failures)
    yield Check("repository", "ok", f"{tree.root}, {pairs} pairs of application and cluster")
    for one in nowhere(usage.repository):
        yield Check("applications", "warning" if pairs else "problem", one.what, one.hint)
    for misfit in usage.repository.misfits():
        found = f"{misfit.message} ({misfit.place})"
        yield Check("applications in cmp.yaml", "problem" if misfit.hint else "warning", found, misfit.hint)
    yield from _together((failure.name, failed("", failure.error)) for failure in usage.failures)
    yield from _together((use.name, Check("", "warning", note)) for use in usage.uses for note in use.warnings)
    yield from pins.examine(usage, settings)
    if any(pin.name == SOPS for use in usage.uses for pin in use.pins):
        yield _keys(settings.env.secrets)
    yield from _short_secrets(tree, usage)


def _together(checks: Iterable[tuple[str, Check]]) -> Iterator[Check]:
    """Yield each finding once, with the names of all pairs that have it."""
    names: dict[Check, list[str]] = {}
    for name, check in checks:
        names.setdefault(check, []).append(name)
    yield from (check._replace(subject=and_more(several, MAX_NAMED)) for check, several in names.items())


def _without_repository(cwd: str, settings: Settings) -> Iterator[Check]:
    """Yield checks of the installation alone, for the sidecar: no repository tells there which tools are needed."""
    yield Check("repository", "ok", f"none around {cwd}")
    entries = toolstore.entries(settings.tools_dir, settings.custom_tools)
    for entry in entries:
        subject = f"{entry.name} {entry.version}"
        yield Check(subject, "problem", entry.problem) if entry.problem else Check(subject, "ok", entry.path)
    if not entries:
        yield Check("tools", "problem", f"none in {settings.tools_dir}", hint="install some, such as helm@3.18.6")
    if any(_key_sources(settings.env.secrets)):
        yield _keys(settings.env.secrets)


def _keys(env: Mapping[str, str]) -> Check:
    """Return the sources of keys that sops will look at; only a decryption can tell whether one of them fits."""
    file = env.get("SOPS_AGE_KEY_FILE", "")
    if file and not os.access(file, os.R_OK):
        unreadable = f"SOPS_AGE_KEY_FILE is {file}, which cannot be read"
        return Check("keys", "problem", unreadable, hint="mount the key there")
    sources = sorted(_key_sources(env))
    if sources:
        return Check("keys", "ok", f"sops looks at {', '.join(sources)}")
    missing = "there are encrypted values, and no key is configured"
    return Check("keys", "problem", missing, hint="set SOPS_AGE_KEY_FILE")


def _key_sources(env: Mapping[str, str]) -> Iterator[str]:
    yield from (name for name in env if name.startswith("SOPS_AGE_") or name in KEY_VARIABLES)
    config = env.get("XDG_CONFIG_HOME") or os.path.join(env.get("HOME", "/"), ".config")
    for path in (os.path.join(config, "sops", "age", "keys.txt"), os.path.join(env.get("HOME", "/"), ".gnupg")):
        if os.path.exists(path):
            yield path


def _short_secrets(tree: Tree, usage: Usage) -> Iterator[Check]:
    """Yield a check for each file with secrets that are too short to be masked inside a longer text.

    The length is that of the ciphertext: nothing is decrypted.  Only files that some render decrypts are read.
    """
    for path in sorted({path for use in usage.uses for path in use.encrypted}):
        if keys := _keys_of_short_secrets(tree, path):
            named = and_more(keys, MAX_NAMED)
            yield Check(path, "warning", f"secrets of fewer than {SHORT} characters: {named}", SHORT_HINT)


def _keys_of_short_secrets(tree: Tree, path: str) -> list[str]:
    """Return the paths of a file's short secrets, without truth values: those can be guessed anyway."""
    try:
        data = tree.read(path)
        kind = sops.format_of(path, data)
        leaves = placeholders.leaves(kind, data) if kind else []
    except (CmpError, yamldoc.YamlError, ValueError):  # the render reports it
        return []
    return [leaf.path for leaf in leaves if leaf.length < SHORT and leaf.kind not in ("bool", "comment")]
