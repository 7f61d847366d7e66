"""The environment of this process, read once, and by this module alone.

Argo CD's build environment becomes a `BuildEnv`, our own `CMP_*` variables become `Settings`, and child processes get
an environment from an allow-list.  `ARGOCD_ENV_*` (which an application's author chooses) is handed on for
`cmp.argocd.parameters` to read by name; it never becomes a variable of a child.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.model import BuildEnv, ChildEnv, Setting, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SIDECAR_DEADLINE = 40.0  # Argo CD's 60 s also hold queueing, git and the streaming of the repository
RENDERS = 4  # at once in one sidecar: each has a helm of a hundred megabytes and more
REPORT_KEY = "CMP_REPORT_KEY"
REPORT_KEY_BYTES = 32
CHILD_MEMORY = "2GiB"  # twenty times the memory of helm for a usual chart
LEAST_CHILD_MEMORY = 64 << 20  # a program of Go that does nothing takes half of it
UNITS = {"": 0, "Ki": 10, "KiB": 10, "Mi": 20, "MiB": 20, "Gi": 30, "GiB": 30}
PERSON_DEADLINE = 1800.0  # a person can press Ctrl-C, and building a tool takes minutes

_COMMON = ("PATH", "LANG", "LC_ALL", "TZ")
# helm and sops live for a moment: collecting garbage is a tenth of it.  The limit holds a large chart back.
_GARBAGE_COLLECTION = {"GOGC": "400", "GOMEMLIMIT": "512MiB"}
_CPU_LIMIT = "/sys/fs/cgroup/cpu.max"  # of this container, which programs in the sandbox do not see
_NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_CLOUD_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_", "GCP_", "CLOUDSDK_", "ALIBABA_CLOUD_", "HUAWEICLOUD_")
_KEYS = ("HOME", "USER", "GNUPGHOME", "GPG_TTY", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
_KEY_PREFIXES = (*_CLOUD_PREFIXES, "SOPS_", "VAULT_", "HCP_", "KUBERNETES_")
# What helm needs to ask a cluster, the programs that a kubeconfig names for credentials included.
_CLUSTER = ("KUBECONFIG", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_CACHE_HOME")
_CLUSTER_PREFIXES = (*_CLOUD_PREFIXES, "AAD_", "KUBERNETES_", "HELM_DRIVER")
# The compiler has more to collect, and no limit: with GOGC=400 the same program takes a fifth less.
_COMPILER = {"GOGC": "400"}
_GO = ("HOME", "USER", "TMPDIR", "XDG_CACHE_HOME", "GOGC", "GOMEMLIMIT", "GOMAXPROCS")
_GO_PREFIXES = (
    *("CGO_", "GOARCH", "GOBIN", "GOCACHE", "GOFLAGS", "GOINSECURE", "GOMODCACHE", "GONO", "GOOS", "GOPATH"),
    *("GOPRIVATE", "GOPROXY", "GOROOT", "GOSUMDB", "GOTOOLCHAIN"),
)


class Folders(NamedTuple):
    """The folders that runs write to, and where a killed one may have left files; `tmp` (CMP_TMPDIR) may be empty."""

    cache: str
    state: str
    tools: str
    tmp: str


class CompletionRequest(NamedTuple):
    """The question of a shell: the command line up to the cursor, and the end of it that the shell will replace.

    That end is empty where the shell replaces the whole last word.
    """

    line: str
    replaced: str


class Environment(NamedTuple):
    """The variables that a run takes from `os.environ`; `plugin` holds those with an Application's parameters."""

    settings: Settings
    build: BuildEnv
    plugin: Mapping[str, str]


def read(environ: Mapping[str, str], *, default_deadline: float) -> Environment:
    """Read everything at once; ConfigError for a setting that makes no sense."""
    return Environment(
        settings=_settings(environ, default_deadline),
        build=build_env(environ),
        plugin=plugin_env(environ),
    )


def current(*, default_deadline: float) -> Environment:
    """Read the environment of this process."""
    return read(os.environ, default_deadline=default_deadline)


def current_folders() -> Folders:
    """Return the folders of this process, also where other settings are wrong."""
    return _folders(os.environ)


def completion_request() -> CompletionRequest | None:
    """Return the question of a shell that completes a command line; the scripts of `cmp completion` ask it."""
    if not os.environ.get("_CMP_COMPLETE", "").endswith("_complete"):
        return None
    return CompletionRequest(os.environ.get("_CMP_LINE", ""), os.environ.get("_CMP_REPLACED", ""))


def report_key() -> bytes | None:
    """Return the key of a report that several runs make, 32 bytes; None without one, ConfigError for another text.

    It is no setting: those are shown, and handed on to whatever a run starts.
    """
    text = "".join(os.environ.get(REPORT_KEY, "").split())
    if not text:
        return None
    from base64 import b64decode  # noqa: PLC0415  # only for this key

    try:
        key = bytes.fromhex(text) if len(text) == 2 * REPORT_KEY_BYTES else b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) == REPORT_KEY_BYTES:
        return key
    raise ConfigError(
        f"{REPORT_KEY} is no key of {REPORT_KEY_BYTES} bytes in hexadecimal digits or base64",
        hint="`openssl rand -hex 32` makes one",
    )


def is_debugging() -> bool:
    """Return whether a bug is to be shown with its traceback, known before any setting can be read."""
    return os.environ.get("CMP_DEBUG", "") not in ("", "0")


def build_env(environ: Mapping[str, str]) -> BuildEnv:
    """Return Argo CD's build environment: the Application and its cluster."""
    return BuildEnv(
        app_name=environ.get("ARGOCD_APP_NAME", ""),
        app_namespace=environ.get("ARGOCD_APP_NAMESPACE", ""),
        project=environ.get("ARGOCD_APP_PROJECT_NAME", ""),
        revision=environ.get("ARGOCD_APP_REVISION", ""),
        repo_url=environ.get("ARGOCD_APP_SOURCE_REPO_URL", ""),
        source_path=environ.get("ARGOCD_APP_SOURCE_PATH", ""),
        target_revision=environ.get("ARGOCD_APP_SOURCE_TARGET_REVISION", ""),
        # Some clusters report a minor version such as `20+`, which no version parser takes.
        kube_version=environ.get("KUBE_VERSION", "").rstrip("+"),
        api_versions=tuple(version for version in environ.get("KUBE_API_VERSIONS", "").split(",") if version),
    )


def application_variables(env: BuildEnv) -> dict[str, str]:
    """Return the variables `ARGOCD_APP_*` as Argo CD sets them (reposerver/repository/repository.go: `newEnv`)."""
    return {
        "ARGOCD_APP_NAME": env.app_name,
        "ARGOCD_APP_NAMESPACE": env.app_namespace,
        "ARGOCD_APP_PROJECT_NAME": env.project,
        "ARGOCD_APP_REVISION": env.revision,
        "ARGOCD_APP_REVISION_SHORT": env.revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": env.revision[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": env.repo_url,
        "ARGOCD_APP_SOURCE_PATH": env.source_path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": env.target_revision,
    }


def plugin_env(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that carry an Application's parameters."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith(("ARGOCD_ENV_", "PARAM_")) or name == "ARGOCD_APP_PARAMETERS"
    }


def _folders(environ: Mapping[str, str]) -> Folders:
    home = environ.get("HOME") or "/"
    cache = os.path.join(environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "argocd-cmp")
    state = os.path.join(environ.get("XDG_STATE_HOME") or os.path.join(home, ".local", "state"), "argocd-cmp")
    return Folders(
        cache=environ.get("CMP_CACHE_DIR") or os.path.join(cache, "charts"),
        state=environ.get("CMP_STATE_DIR") or state,
        tools=environ.get("CMP_TOOLS_DIR") or os.path.join(cache, "tools"),
        tmp=environ.get("CMP_TMPDIR") or "",
    )


def _settings(environ: Mapping[str, str], default_deadline: float) -> Settings:
    folders = _folders(environ)
    defaults = {
        "CMP_CACHE_DIR": folders.cache,
        "CMP_STATE_DIR": folders.state,
        "CMP_TOOLS_DIR": folders.tools,
        "CMP_CUSTOM_TOOLS": "",
        "CMP_TOOLS_MIRROR": "",
        "CMP_TMPDIR": "",
        "CMP_CLUSTER": "",
        "CMP_RENDERS": str(RENDERS),
        "CMP_CHILD_MEMORY": CHILD_MEMORY,
        "CMP_DEADLINE": f"{default_deadline:g}",
        "CMP_OFFLINE": "",
        "CMP_CA_FILE": "",
        "CMP_NETRC": "",
        "CMP_POLICY": "",
        "CMP_DEBUG": "",
        "HELM_REPOSITORY_CONFIG": "",
        "HELM_REGISTRY_CONFIG": "",
    }
    values = {name: environ.get(name) or default for name, default in defaults.items()}
    return Settings(
        cache_dir=os.path.abspath(values["CMP_CACHE_DIR"]),
        state_dir=os.path.abspath(values["CMP_STATE_DIR"]),
        tools_dir=os.path.abspath(values["CMP_TOOLS_DIR"]),
        custom_tools=tuple(os.path.abspath(path) for path in values["CMP_CUSTOM_TOOLS"].split(os.pathsep) if path),
        tmp_dir=values["CMP_TMPDIR"],
        cluster=values["CMP_CLUSTER"],
        deadline=_seconds("CMP_DEADLINE", values["CMP_DEADLINE"]),
        renders=_count("CMP_RENDERS", values["CMP_RENDERS"]),
        child_memory=_memory("CMP_CHILD_MEMORY", values["CMP_CHILD_MEMORY"]),
        offline=_flag("CMP_OFFLINE", values["CMP_OFFLINE"]),
        mirror=values["CMP_TOOLS_MIRROR"],
        helm_repository_config=values["HELM_REPOSITORY_CONFIG"],
        helm_registry_config=values["HELM_REGISTRY_CONFIG"],
        ca_file=values["CMP_CA_FILE"],
        netrc=values["CMP_NETRC"],
        policy=values["CMP_POLICY"],
        env=_child_env(environ),
        origins={
            name: Setting(value, "environment" if environ.get(name) else "default") for name, value in values.items()
        },
    )


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds < 1e6:  # noqa: PLR2004  # also refuses nan and inf
        raise ConfigError(f"{name} is {text!r}, not a number of seconds above 0")
    return seconds


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigError(f"{name} is {text!r}, not a whole number above 0")
    return int(text)


def _memory(name: str, text: str) -> int:
    """Read a size in bytes, as Go (`512MiB`) and Kubernetes (`512Mi`) write it; `0` and `off` are no limit."""
    if text.lower() in ("0", "off"):
        return 0
    digits = text.rstrip("KMGiB")
    shift = UNITS.get(text[len(digits) :], -1)
    size = int(digits) << shift if digits.isascii() and digits.isdecimal() and shift >= 0 else 0
    if size < LEAST_CHILD_MEMORY:
        raise ConfigError(f"{name} is {text!r}, neither a size of at least 64MiB, such as 2GiB, nor 0 for no limit")
    return size


def _flag(name: str, text: str) -> bool:
    if text.lower() in ("", "0", "false", "no"):
        return False
    if text.lower() in ("1", "true", "yes"):
        return True
    raise ConfigError(f"{name} is {text!r}, neither 1 nor 0")


def _child_env(environ: Mapping[str, str]) -> ChildEnv:
    common = _pick(environ, _COMMON)
    runtime = {**_GARBAGE_COLLECTION, **_processors()}
    plain = {**common, **runtime, **_pick(environ, (*_GARBAGE_COLLECTION, "GOMAXPROCS"))}
    network = _pick(environ, _NETWORK)
    return ChildEnv(
        plain=plain,
        secrets={**plain, **network, **_pick(environ, _KEYS, _KEY_PREFIXES)},
        fetch={**plain, **network, **_pick(environ, (), _CLOUD_PREFIXES)},
        cluster={**plain, **network, **_pick(environ, (*_KEYS, *_CLUSTER), _CLUSTER_PREFIXES)},
        build={**common, **network, **_COMPILER, **_pick(environ, _GO, _GO_PREFIXES)},
    )


def _processors() -> dict[str, str]:
    """Return how many processors a Go program may use, as Go itself reads it from the limit of the container."""
    try:
        with open(_CPU_LIMIT, encoding="ascii") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        return {}
    limit = -(-int(quota) // int(period)) if quota.isdecimal() else 0
    return {"GOMAXPROCS": str(max(2, limit))} if 0 < limit < (os.cpu_count() or 1) else {}


def _pick(environ: Mapping[str, str], names: tuple[str, ...], prefixes: tuple[str, ...] = ()) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name in names or name.startswith(prefixes)}
