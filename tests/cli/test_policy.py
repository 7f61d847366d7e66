"""The policy at the sidecar's call: an Application is refused before anything is decrypted or fetched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.policy import (
    BANK,
    BANK_ON_DEV,
    CHART,
    COMMON,
    EVERYBODY,
    FOREIGN,
    OWN,
    POLICY,
    SECRETS,
    SHOP,
    SHOP_ON_DEV,
    TEMPLATE,
    RepositoryOfTeams,
)
from tests.support.trees import plant

if TYPE_CHECKING:
    from tests.support.harness import Ran

LISTS = "namespaces/team-a-*, clusters/*/team-a-*"
LAYOUT = """\
layout:
  namespace: team-a
  values:
    - namespaces/{{app}}/common-values*.secret.yaml
    - {path}
    - clusters/{{cluster}}/{{app}}/*-values*.yaml
    - clusters/{{cluster}}/{{app}}/*-values*.secret.yaml
"""


def refused(teams: RepositoryOfTeams, ran: Ran) -> str:
    """Return the error without its third line's end, which is the same for all; no secret is in it."""
    assert (ran.code, ran.stdout) == (3, ""), ran.stderr
    for text in SECRETS.values():
        assert text.split()[-1] not in ran.stderr
    end = "; Argo CD keeps this error cached until a hard refresh; see operations.md#configuration\n"
    assert ran.stderr.endswith(end)
    return ran.stderr.removesuffix(end).replace(str(teams.policy), "POLICY")


def told(what: str, *, app: str = "team-a-shop", place: str = "", lists: str = LISTS) -> str:
    where = f"application {app}, cluster dev, phase policy" + (f", {place}" if place else "")
    add = "an administrator adds others to `applications` of POLICY, an author keeps to these"
    return f"cmp: {what}\n  where: {where}\n  hint: its folders are {lists}; {add}"


class TestFolders:
    @pytest.mark.parametrize("path", [SHOP, SHOP_ON_DEV])
    def test_the_own_ones_are_rendered(self, teams: RepositoryOfTeams, path: str) -> None:
        ran = teams.generate_from(path, CMP_CLUSTER="dev")
        assert ran.code == 0, ran.stderr
        assert "secret-of-team-a" in ran.stdout

    @pytest.mark.parametrize(("path", "shown"), [(BANK, BANK), (BANK_ON_DEV, BANK)])
    def test_another_teams_are_not(self, teams: RepositoryOfTeams, path: str, shown: str) -> None:
        teams.without_sops()
        ran = teams.generate_from(path, CMP_CLUSTER="dev")
        assert refused(teams, ran) == told(f"AppProject team-a may not render {shown}", app="team-b-bank")

    def test_nor_an_instance_folder_that_a_branch_says_to_be_its_own(self, teams: RepositoryOfTeams) -> None:
        values = "values: ['clusters/{cluster}/team-b-{app}/*-values*.yaml']"
        layout = f"apps: 'own/{{app}}', instances: 'clusters/{{cluster}}/team-b-{{app}}', {values}"
        plant(teams.root, {"cmp.yaml": f"layout: {{{layout}}}\n", "own/bank/Chart.yaml": CHART.format(name="bank")})
        teams.allow(POLICY.replace("namespaces/team-a-*", "own"))
        ran = teams.generate_from("own/bank", CMP_CLUSTER="dev")
        lists = "own, clusters/*/team-a-*"
        assert refused(teams, ran) == told(f"AppProject team-a may not render {BANK_ON_DEV}", app="bank", lists=lists)

    def test_a_link_to_another_teams_is_not(self, teams: RepositoryOfTeams) -> None:
        (teams.root / "namespaces/team-a-link").symlink_to("team-b-bank")
        plant(teams.root, {"clusters/dev/team-a-link/dev-values.yaml": "a: 1\n"})
        ran = teams.generate_from("clusters/dev/team-a-link")
        expected = f"AppProject team-a may not render {BANK} (through namespaces/team-a-link)"
        assert refused(teams, ran) == told(expected, app="team-a-link")

    def test_a_project_may_have_other_folders_in_other_namespaces(self, teams: RepositoryOfTeams) -> None:
        teams.allow(POLICY + f"  - {{projects: [team-a], namespaces: [common], folders: [{BANK}, {BANK_ON_DEV}]}}\n")
        plant(teams.root, {f"{BANK}/cmp-app.yaml": "namespace: common\n"})
        assert teams.generate_from(BANK_ON_DEV, namespace="common").code == 0
        plant(teams.root, {f"{SHOP}/cmp-app.yaml": "namespace: common\n"})
        ran = teams.generate_from(namespace="common")
        expected = told(f"AppProject team-a may not render {SHOP}", lists=f"{BANK}, {BANK_ON_DEV}")
        assert refused(teams, ran) == expected


class TestRoot:
    """Folders are counted from the repository's root, wherever a branch puts its cmp.yaml or its links."""

    def test_a_tree_deeper_in_the_repository_keeps_its_place(self, teams: RepositoryOfTeams) -> None:
        plant(teams.root / "team-b", {"cmp.yaml": "", f"{SHOP}/Chart.yaml": CHART.format(name="shop")})
        plant(
            teams.root / "team-b", {f"{SHOP}/templates/all.yaml": TEMPLATE, f"{SHOP_ON_DEV}/dev-values.yaml": "a: 1\n"}
        )
        ran = teams.generate_from(f"team-b/{SHOP_ON_DEV}")
        assert refused(teams, ran) == told(f"AppProject team-a may not render team-b/{SHOP}")
        teams.allow(POLICY.replace("[namespaces/team-a-*", "[team-b/**/team-a-*"))
        assert teams.generate_from(f"team-b/{SHOP_ON_DEV}").code == 0

    def test_so_it_does_outside_the_sidecar(self, teams: RepositoryOfTeams) -> None:
        plant(
            teams.root, {".git/HEAD": "", f"team-b/{SHOP}/Chart.yaml": CHART.format(name="shop"), "team-b/cmp.yaml": ""}
        )
        plant(teams.root, {f"team-b/{SHOP_ON_DEV}/dev-values.yaml": "a: 1\n"})
        argv = ("render", "team-a-shop", "--cluster", "dev", "--namespace", "team-a")
        root = teams.root / "team-b"
        ran = teams.sandbox.run(*argv, cwd=root, ARGOCD_APP_PROJECT_NAME="team-a", ARGOCD_APP_NAMESPACE="team-a")
        assert (ran.code, ran.first_line) == (3, f"cmp: AppProject team-a may not render team-b/{SHOP}")

    @pytest.mark.parametrize(("path", "apps"), [("lnk", "{app}"), (SHOP, "namespaces/{app}")])
    def test_links_cannot_move_the_root(self, teams: RepositoryOfTeams, path: str, apps: str) -> None:
        """A lower folder has a link of the same name, or the working directory ends in the source path by intent."""
        config = f"layout: {{apps: '{apps}', instances: '', values: []}}\n"
        root = teams.root = teams.root.with_name("checkout")
        plant(
            root / "victim", {f"{SHOP}/Chart.yaml": CHART.format(name="shop"), "cmp.yaml": config, "lnk": f"-> {SHOP}"}
        )
        plant(root, {"cmp.yaml": config, "lnk": f"-> victim/{SHOP}", "namespaces": "-> victim/namespaces"})
        refusal = f"cmp: AppProject team-a may not render victim/{SHOP} (through {path})\n"
        assert refused(teams, teams.generate_from(path)).startswith(refusal)


class TestSecrets:
    def test_what_a_branch_lists_of_another_team_stays_sealed(self, teams: RepositoryOfTeams) -> None:
        plant(teams.root, {"cmp.yaml": LAYOUT.format(path=FOREIGN)})
        teams.without_sops()
        expected = told(f"AppProject team-a may not decrypt {FOREIGN}", place=FOREIGN)
        assert refused(teams, teams.generate_from()) == expected

    def test_without_the_policy_it_would_be_decrypted(self, teams: RepositoryOfTeams) -> None:
        plant(teams.root, {"cmp.yaml": LAYOUT.format(path=FOREIGN)})
        assert "secret-of-team-b" in teams.generate_from(CMP_POLICY="").stdout
        teams.without_sops()
        assert teams.generate_from(CMP_POLICY="").code == 4

    def test_a_link_in_the_own_folder_is_followed(self, teams: RepositoryOfTeams) -> None:
        link = f"{SHOP_ON_DEV}/dev-values.secret.yaml"
        (teams.root / link).symlink_to(f"../../../{FOREIGN}")
        teams.without_sops()
        expected = told(f"AppProject team-a may not decrypt {FOREIGN} (through {link})", place=link)
        assert refused(teams, teams.generate_from()) == expected

    def test_so_is_a_linked_file_of_the_chart(self, teams: RepositoryOfTeams) -> None:
        (teams.root / SHOP / "files").mkdir()
        (teams.root / SHOP / "files/x.yaml").symlink_to("../../team-b-bank/common-values.secret.yaml")
        plant(teams.root, {f"{SHOP}/cmp-app.yaml": "secrets: {files: [files/x.yaml]}\n"})
        teams.without_sops()
        link = f"{SHOP}/files/x.yaml"
        expected = told(f"AppProject team-a may not decrypt {FOREIGN} (through {link})", place=link)
        assert refused(teams, teams.generate_from()) == expected

    def test_a_link_between_own_folders_is_fine(self, teams: RepositoryOfTeams) -> None:
        (teams.root / SHOP_ON_DEV / "dev-values.secret.yaml").symlink_to(f"../../../{OWN}")
        assert "secret-of-team-a" in teams.generate_from().stdout

    def test_common_ones_are_for_whom_a_rule_gives_them_to(self, teams: RepositoryOfTeams) -> None:
        plant(teams.root, {"cmp.yaml": LAYOUT.format(path=COMMON)})
        ran = teams.generate_from()
        assert refused(teams, ran) == told(f"AppProject team-a may not decrypt {COMMON}", place=COMMON)
        teams.allow(POLICY + EVERYBODY)
        ran = teams.generate_from()
        assert "secret-of-all" in ran.stdout, ran.stderr

    def test_a_plain_file_is_nobodys_secret(self, teams: RepositoryOfTeams) -> None:
        plant(teams.root, {"cmp.yaml": LAYOUT.format(path="envs/all.yaml"), "envs/all.yaml": "plain: 1\n"})
        assert teams.generate_from().code == 0


class TestSources:
    """A fork has the same folders, and may hold a copy of another team's encrypted file."""

    RULES = POLICY.replace(
        "    namespaces: [team-a, team-a-*]\n",
        "    repositories: [https://git.example.com/platform/clusters]\n    revisions: [main, release-*]\n",
    )
    REPOSITORY = "https://git.example.com/platform/clusters.git"

    def generate(self, teams: RepositoryOfTeams, repository: str = REPOSITORY, revision: str = "main") -> Ran:
        source = {"ARGOCD_APP_SOURCE_REPO_URL": repository, "ARGOCD_APP_SOURCE_TARGET_REVISION": revision}
        return teams.generate_from(**source)

    @pytest.mark.parametrize(
        ("repository", "revision"),
        [
            (REPOSITORY, "main"),
            ("HTTPS://user:token@Git.Example.com:443/platform/clusters/", "refs/heads/release-2"),
        ],
    )
    def test_the_own_one_is_rendered_by_whichever_name(
        self, teams: RepositoryOfTeams, repository: str, revision: str
    ) -> None:
        teams.allow(self.RULES)
        ran = self.generate(teams, repository, revision)
        assert "secret-of-team-a" in ran.stdout, ran.stderr

    @pytest.mark.parametrize("repository", ["https://git.example.com/stranger/clusters", ""])
    def test_a_copy_elsewhere_is_not(self, teams: RepositoryOfTeams, repository: str) -> None:
        teams.allow(self.RULES)
        teams.without_sops()
        assert refused(teams, self.generate(teams, repository)) == (
            f"cmp: AppProject team-a may not render from the repository {repository or '(none)'}\n"
            "  where: application team-a-shop, cluster dev, phase policy\n"
            "  hint: its repositories are https://git.example.com/platform/clusters; an administrator adds others to "
            "`applications` of POLICY, an author keeps to these"
        )

    @pytest.mark.parametrize(
        ("revision", "shown"),
        [("refs/pull/666/head", "refs/pull/666/head"), ("", "HEAD"), ("0" * 40, "0" * 40)],
    )
    def test_nor_is_a_pull_request_of_a_stranger(self, teams: RepositoryOfTeams, revision: str, shown: str) -> None:
        teams.allow(self.RULES)
        teams.without_sops()
        assert refused(teams, self.generate(teams, revision=revision)) == (
            f"cmp: AppProject team-a may not render at the revision {shown}\n"
            "  where: application team-a-shop, cluster dev, phase policy\n"
            "  hint: its revisions are main, release-*; an administrator adds others to `applications` of POLICY, an "
            "author keeps to these"
        )

    def test_repository_and_revision_count_together(self, teams: RepositoryOfTeams) -> None:
        other = f"  - {{projects: [team-a], repositories: ['file:///srv/*'], revisions: [dev], folders: [{SHOP}]}}\n"
        teams.allow(self.RULES + other)
        assert self.generate(teams, "file:///srv/clusters.git", "main").first_line == (
            "cmp: AppProject team-a may not render at the revision main"
        )

    def test_a_rule_without_them_holds_for_all(self, teams: RepositoryOfTeams) -> None:
        assert self.generate(teams, "https://git.example.com/stranger/clusters", "refs/pull/666/head").code == 0

    def test_an_application_in_a_file_is_bound_and_a_person_is_not(self, teams: RepositoryOfTeams) -> None:
        teams.allow(self.RULES)
        source = {"repoURL": "https://git.example.com/stranger/clusters", "path": SHOP_ON_DEV, "plugin": {}}
        spec = {"project": "team-a", "source": source, "destination": {"namespace": "team-a", "name": "dev"}}
        application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}}
        plant(teams.root, {".git/HEAD": "", "app.yaml": json.dumps({**application, "spec": spec})})
        ran = teams.sandbox.run("render", "--application", "app.yaml", cwd=teams.root)
        assert (ran.code, ran.first_line) == (
            3,
            "cmp: AppProject team-a may not render from the repository https://git.example.com/stranger/clusters",
        )
        ran = teams.sandbox.run("render", "team-a-shop", "--cluster", "dev", cwd=teams.root)
        assert "secret-of-team-a" in ran.stdout, ran.stderr


class TestProjectsAndNamespaces:
    def test_a_project_without_a_rule_may_nothing(self, teams: RepositoryOfTeams) -> None:
        assert refused(teams, teams.generate_from(project="team-c")) == (
            "cmp: the administrator's policy has no rule for AppProject team-c\n"
            "  where: application team-a-shop, cluster dev, phase policy\n"
            "  hint: an administrator adds one to `applications` of POLICY; an author uses another AppProject"
        )

    def test_without_a_project_nobody_may_anything_in_the_sidecar(self, teams: RepositoryOfTeams) -> None:
        assert refused(teams, teams.generate_from(project="")) == (
            "cmp: the administrator's policy asks for an AppProject, and Argo CD names none\n"
            "  where: application team-a-shop, cluster dev, phase policy\n"
            "  hint: an administrator removes `applications` from POLICY, or runs an Argo CD that tells plugins the "
            "AppProject"
        )

    @pytest.mark.parametrize(
        ("destination", "written", "shown"),
        [
            ("kube-system", "", "kube-system (the Application's destination)"),
            ("", "", "(none) (the Application's destination)"),
            ("team-a", "kube-system", "kube-system (by cmp-app.yaml, cmp.yaml or --namespace)"),
            ("kube-system", "team-a", "kube-system (the Application's destination)"),
        ],
    )
    def test_both_namespaces_count(self, teams: RepositoryOfTeams, destination: str, written: str, shown: str) -> None:
        if written:
            plant(teams.root, {f"{SHOP_ON_DEV}/cmp-app.yaml": f"namespace: {written}\n"})
        teams.without_sops()
        assert refused(teams, teams.generate_from(namespace=destination)) == (
            f"cmp: AppProject team-a may not render for namespace {shown}\n"
            "  where: application team-a-shop, cluster dev, phase policy\n"
            "  hint: its namespaces are team-a, team-a-*; an administrator adds others to `applications` of POLICY, "
            "an author keeps to these"
        )

    def test_a_person_has_the_keys_anyhow(self, teams: RepositoryOfTeams) -> None:
        ran = teams.sandbox.run("render", "team-b-bank", "--cluster", "dev", cwd=teams.root)
        assert "secret-of-team-b" in ran.stdout, ran.stderr

    def test_who_renders_for_an_application_is_bound_as_argo_cd_is(self, teams: RepositoryOfTeams) -> None:
        argv = ("render", "team-b-bank", "--cluster", "dev", "--namespace", "team-b")
        ran = teams.sandbox.run(*argv, cwd=teams.root, ARGOCD_APP_PROJECT_NAME="team-a", ARGOCD_APP_NAMESPACE="team-a")
        what = "AppProject team-a may not render for namespace team-b (by cmp-app.yaml, cmp.yaml or --namespace)"
        assert (ran.code, ran.first_line) == (3, f"cmp: {what}")

    def test_values_are_decrypted_by_the_same_rules(self, teams: RepositoryOfTeams) -> None:
        argv = ("values", "team-b-bank", "--cluster", "dev", "--namespace", "team-a")
        ran = teams.sandbox.run(*argv, cwd=teams.root, ARGOCD_APP_PROJECT_NAME="team-a", ARGOCD_APP_NAMESPACE="team-a")
        assert (ran.code, ran.first_line) == (3, f"cmp: AppProject team-a may not render {BANK}")


class TestFile:
    def test_a_missing_one_stops_every_render(self, teams: RepositoryOfTeams) -> None:
        teams.policy.unlink()
        assert refused(teams, teams.generate_from()) == (
            "cmp: the administrator's policy cannot be used: cannot read this file: No such file or directory\n"
            "  where: application team-a-shop, cluster dev, phase policy, POLICY\n"
            "  hint: CMP_POLICY names this file; nothing is rendered before an administrator corrects it"
        )

    def test_one_in_git_does_too(self, teams: RepositoryOfTeams) -> None:
        teams.policy = teams.root / "policy.yaml"
        teams.allow("version: 1\n")
        assert refused(teams, teams.generate_from()) == (
            "cmp: the administrator's policy cannot be used: it lies in the repository that it is to guard\n"
            "  where: application team-a-shop, cluster dev, phase policy, POLICY\n"
            "  hint: CMP_POLICY names this file; nothing is rendered before an administrator corrects it"
        )

    def test_doctor_looks_at_it(self, teams: RepositoryOfTeams) -> None:
        ran = teams.sandbox.run("doctor", cwd=teams.root)
        assert f"ok    policy: {teams.policy}\n" in ran.stdout
        assert f"{teams.policy}  (environment)\n" in ran.stdout
        teams.allow("version: 1\nflag: {}\n")
        ran = teams.sandbox.run("doctor", cwd=teams.root)
        assert f"FAIL  policy: {teams.policy}:2:1: unknown key `flag`; did you mean `flags`?\n" in ran.stdout
