"""What will go wrong, found before it does: for `cmp doctor`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp import instances, layers, policy, toolstore, workspace, yamldoc
from cmp.engines import FACTS, engine_of
from cmp.errors import CmpError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import Instance, Settings, ToolPin

State = Literal["ok", "warning", "problem"]
KEY_VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_CLIENT_ID", "GNUPGHOME"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "VAULT_ADDR", "VAULT_TOKEN"),
)


class Check(NamedTuple):
    """One thing that was looked at: its subject, its state, what was found, and what to do about it."""

    subject: str
    state: State
    found: str
    hint: str = ""


class Found(NamedTuple):
    """What the repository's pairs resolve to, with the pins that each needs; what each says that does not resolve."""

    instances: tuple[tuple[Instance, tuple[ToolPin, ...]], ...]
    checks: tuple[Check, ...]
    encrypted: bool


def examine(cwd: str, settings: Settings) -> Iterator[Check]:
    """Yield every check, cheap ones first; nothing is fetched, decrypted or written."""
    yield from _interpreter()
    yield from _folders(settings)
    if settings.policy:
        yield _policy(cwd, settings.policy)
    yield from _around(cwd, settings) if instances.has_repository(cwd) else _alone(cwd, settings)


def _around(cwd: str, settings: Settings) -> Iterator[Check]:
    found = _repository(cwd)
    yield from found.checks
    yield from _tools(found, settings)
    if found.encrypted:
        yield _keys(settings.env.secrets)


def _alone(cwd: str, settings: Settings) -> Iterator[Check]:
    """Look at the installation where nobody knows what a repository needs: in the sidecar, for one."""
    yield Check("repository", "ok", f"none around {cwd}")
    entries = toolstore.entries(settings.tools_dir)
    for entry in entries:
        subject = f"{entry.name} {entry.version}"
        yield Check(subject, "problem", entry.problem) if entry.problem else Check(subject, "ok", entry.path)
    if not entries:
        yield Check("tools", "problem", f"none in {settings.tools_dir}", "install some, such as helm@3.18.6")
    if any(_key_sources(settings.env.secrets)):
        yield _keys(settings.env.secrets)


def _interpreter() -> Iterator[Check]:
    version = ".".join(str(number) for number in sys.version_info[:3])
    try:
        yamldoc.preload()
    except CmpError as error:
        yield Check("Python", "problem", f"{version}: {error.what}", error.hint)
    else:
        yield Check("Python", "ok", f"{version}, PyYAML with libyaml")


def _folders(settings: Settings) -> Iterator[Check]:
    for name, path in (("chart cache", settings.cache_dir), ("state", settings.state_dir)):
        yield _writable(name, path)
    base = workspace.choose(settings.tmp_dir)
    is_memory = base == workspace.MEMORY or bool(settings.tmp_dir)
    yield (
        Check("private folder", "ok", base)
        if is_memory
        else Check("private folder", "warning", f"{base} may be on a disk", "offer memory: mount a tmpfs as CMP_TMPDIR")
    )


def _writable(name: str, path: str) -> Check:
    existing = path
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK):
        return Check(name, "ok", path if existing == path else f"{path} (will be made)")
    return Check(name, "problem", f"{path} cannot be written to", "charts that are in it are used; others fail")


def _policy(cwd: str, path: str) -> Check:
    try:
        policy.load(path, instances.open_repository(cwd)[0] if instances.has_repository(cwd) else None)
    except CmpError as error:
        return _failed("policy", error)
    return Check("policy", "ok", path)


def _repository(cwd: str) -> Found:
    try:
        tree, _ = instances.open_repository(cwd)
        repository = instances.Repository(tree, FACTS)
        pairs = repository.pairs()
    except CmpError as error:
        return Found((), (_failed("repository", error),), encrypted=False)
    resolved: list[tuple[Instance, tuple[ToolPin, ...]]] = []
    checks = [Check("repository", "ok", f"{tree.root}, {len(pairs)} pairs of application and cluster")]
    encrypted = False
    for pair in pairs:
        subject = f"{pair.app} on {pair.cluster}" if pair.cluster else pair.app
        try:
            instance = instances.resolve_in(repository, instances.Request(pair.app, pair.cluster))
            needs = engine_of(instance.engines).needs(tree, instance)
            encrypted = bool(layers.read(tree, instance, needs.files).encrypted) or encrypted
        except CmpError as error:
            checks.append(_failed(subject, error))
            continue
        resolved.append((instance, tuple(needs.tools.values())))
        checks += [Check(subject, "warning", note) for note in instance.notes]
    return Found(tuple(resolved), tuple(checks), encrypted)


def _failed(subject: str, error: CmpError) -> Check:
    return Check(subject, "problem", f"{error.file}: {error.what}" if error.file else error.what, error.hint)


def _tools(found: Found, settings: Settings) -> Iterator[Check]:
    for pin, users in sorted(_pins(found).items()):
        entry = toolstore.entry(settings.tools_dir, pin.name, pin.version)
        subject = f"{pin.name} {pin.version}"
        used = f"{pin.source}; used by {', '.join(sorted(users))}"
        if entry.problem:
            install = f"cmp tools install {pin.name}@{pin.version}"
            yield Check(subject, "problem", f"{entry.problem} ({used})", install)
        else:
            yield Check(subject, "ok", f"{entry.path} ({used})")


def _pins(found: Found) -> Mapping[ToolPin, set[str]]:
    """Return the pins that a render of some pair would look up, each with the applications that use it."""
    pins: dict[ToolPin, set[str]] = {}
    for instance, needed in found.instances:
        for pin in (*needed, *([instance.pins["sops"]] if found.encrypted else [])):
            pins.setdefault(pin, set()).add(instance.app)
    return pins


def _keys(env: Mapping[str, str]) -> Check:
    """Say where sops will look for keys; whether one fits, only a decryption can tell."""
    named = env.get("SOPS_AGE_KEY_FILE", "")
    if named and not os.access(named, os.R_OK):
        return Check("keys", "problem", f"SOPS_AGE_KEY_FILE is {named}, which cannot be read", "mount the key there")
    configured = sorted(_key_sources(env))
    if configured:
        return Check("keys", "ok", f"sops looks at {', '.join(configured)}")
    return Check("keys", "problem", "there are encrypted values, and no key is configured", "set SOPS_AGE_KEY_FILE")


def _key_sources(env: Mapping[str, str]) -> Iterator[str]:
    yield from (name for name in env if name.startswith("SOPS_AGE_") or name in KEY_VARIABLES)
    config = env.get("XDG_CONFIG_HOME") or os.path.join(env.get("HOME", "/"), ".config")
    for path in (os.path.join(config, "sops", "age", "keys.txt"), os.path.join(env.get("HOME", "/"), ".gnupg")):
        if os.path.exists(path):
            yield path
