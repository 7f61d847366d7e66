"""The administrator's policy: what applications may use, in a file that is mounted and never in Git (`CMP_POLICY`).

document.py   the file: read, checked as a whole, and typed
check.py      the check of one render, before anything is decrypted or fetched
hosts.py      hosts of chart repositories             flags.py     flags of the engines' programs
sources.py    repositories and their revisions        secrets.py   keys that sops may use

    version: 1
    applications:               # who may use what; without this key every AppProject may use every folder
      - projects: [team-a]      # AppProjects; `*` stands for any text
        repositories: [https://git.example.com/team-a/apps]  # of the Application's source; without this key any
        revisions: [main, release-*]  # likewise its target revision
        namespaces: [team-a-*]  # of the Application's destination, and of the render; without this key any
        folders: [namespaces/team-a-*, clusters/*/team-a-*]  # from the repository's root, with everything below
      - projects: ["*"]
        folders: [charts, envs]
    charts:
      hosts: [charts.example.com, "*.corp.example", "registry.example.com:5000"]  # without this key any
      redirects: [cdn.example.net]  # where those may lead, by an index or a redirect, beside themselves
    kustomize:
      hosts: [github.com]       # of remote bases and files that kustomizations name; without this key none
    secrets:                    # keys that encrypted files may name; without a key what the environment says
      hosts: [vault.example.com:8200, "*.vault.azure.net"]  # in place of VAULT_ADDR, and of all of Azure's vaults
      keys: ["arn:aws:kms:eu-west-1:111122223333:key/*"]    # of every service, as sops prints them
      roles: ["arn:aws:iam::111122223333:role/sops"]        # also profiles of AWS, beside those in the environment
    flags:
      helm: [--enable-dns]      # what `extraFlags` of cmp-app.yaml may ask for, to the letter; without this key nothing
      kustomize: [--load-restrictor=LoadRestrictionsNone]  # likewise `buildOptions`
    cue:
      cmd: true                 # `command` of the engine cue may run; without this key it may not
    helmfile:                   # what a helmfile may do; without a key it may not
      hooks: true               # run hooks and post-renderers
      exec: true                # run programs by the functions of its templates, and read files by computed names
      ref: true                 # resolve ref+…://

The folders of all rules that fit a project, its source and its namespaces add up.  In one of them must lie, links
followed: the folders of the application and its instance, the folder that is built, `file://` charts, and every file
that is decrypted.  A file in clear is not asked about: who can push can read it.  A host without a port is the one
of its scheme, and `*.` stands for one name or more.

A repository is the same by each of its URLs, as for Argo CD (sources.py).  In repositories, revisions, keys and roles
`*` stands for any text without `/` and `**` for whole segments.  No star stands for a commit or a pull request: a forge
gives out those of strangers.  `sourceRepos: ["*"]` of an AppProject undoes a rule without `repositories`.

A host of keys without a scheme is for HTTPS; `http://` in front of it allows a server without TLS.  Keys of age and PGP
are not asked about: they name no host, and a file can say anything of them.

The URL of an archive that an index names, and each redirect, must be on the repository's own origin, on a listed host,
or where a well-known registry keeps its archives; without `charts.hosts` it may be anywhere.  A host that is listed, in
either list, may have any address; another one none of this machine or its cloud.  What a registry (`oci://`) redirects
to is helm's business and not seen.

What a policy cannot do: SOPS binds no ciphertext to its path, so that whoever can push to the repository can copy
another team's encrypted file into a folder of their own.  Teams that must not read each other's secrets need sidecars
and keys of their own; a policy keeps apart those who may only create Applications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.policy.check import PolicyCheck, check_announcement, check_instance
from cmp.policy.document import NO_POLICY, load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.model import BuildEnv, Instance
    from cmp.system.tree import Tree

__all__ = ["WITHOUT_POLICY", "PolicyCheck", "for_announcement", "for_charts", "for_render", "load"]

WITHOUT_POLICY = PolicyCheck(NO_POLICY)  # the rights of a render where there is no policy


def for_render(path: str, tree: Tree, instance: Instance) -> PolicyCheck:
    """Check an instance against the policy in `path`, and return the check of its files and charts.

    Without a policy (an empty path) everything is allowed but extra flags.  ConfigError for an instance that is not
    allowed, and for a policy that is missing, wrong or inside the source tree.
    """
    return check_instance(load(path, tree) if path else NO_POLICY, tree, instance)


def for_announcement(path: str, tree: Tree, build_env: BuildEnv, folders: Iterable[str]) -> None:
    """ConfigError unless the policy in `path` lets some AppProject render all the folders from the source."""
    check_announcement(load(path, tree), tree, build_env, folders)


def for_charts(path: str, tree: Tree | None = None) -> PolicyCheck | None:
    """Return the check of charts that are fetched without a render; None without a policy."""
    return PolicyCheck(load(path, tree)) if path else None
