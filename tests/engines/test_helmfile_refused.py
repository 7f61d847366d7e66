"""Features of helmfile that run programs or read other files are refused, unless the policy allows them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest

from cmp.artifacts import toolstore
from cmp.engines import helmfile
from cmp.model import Tool
from tests.support.harness import AGE_KEY_FILE
from tests.support.helmfile import APP, ENDS, WITH_HELM, HelmfileRepository, chart, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.protocol import InputProvider
    from tests.support.harness import Sandbox

WITH_HELM_3 = [tools for tools in WITH_HELM if tools[1].startswith("3.")]
each_helmfile = pytest.mark.parametrize("world", ENDS, ids=" with ".join, indirect=True)
WEB = "releases: [{name: web, chart: ./charts/web, %s}]\n"
KEY_LINE = next(line for line in AGE_KEY_FILE.read_text().splitlines() if line.startswith("AGE-SECRET-KEY"))


@pytest.fixture
def world(sandbox: Sandbox, request: pytest.FixtureRequest) -> HelmfileRepository:
    world = HelmfileRepository(sandbox).pin(*getattr(request, "param", ENDS[-1]))
    world.write_app(chart())
    return world


def without_helmfile(world: HelmfileRepository) -> None:
    """Put a program in the place of helmfile that fails: whoever starts it does not get the wanted error."""
    real, store = Path(world.sandbox.tools_dir), world.sandbox.folder / "store"
    folder = store / "helmfile" / world.helmfile
    folder.mkdir(parents=True)
    for tool in ("helm", "sops"):
        (store / tool).symlink_to(real / tool)
    (folder / "helmfile").write_text("#!/bin/sh\necho it ran >&2; exit 1\n")
    (folder / "helmfile").chmod(0o755)
    toolstore.write(str(folder), toolstore.describe(str(folder / "helmfile"), "go", "stand-in"))
    world.sandbox.tools_dir = str(store)


class Wrong(NamedTuple):
    """A helmfile, and the error: what, the file with its line, and the feature that a policy could allow."""

    files: Mapping[str, str]
    what: str
    place: str
    feature: str = ""


PLAIN, TEMPLATE = "helmfile.yaml", "helmfile.yaml.gotmpl"
HOOK = "{events: [prepare], command: /bin/touch, args: [ran]}"
PROGRAMS = {
    "a hook": Wrong(
        {PLAIN: f"hooks: [{HOOK}]\n" + WEB % ""}, "the hook /bin/touch of the helmfile", f"{PLAIN}:1", "hooks"
    ),
    "a hook of a release": Wrong(
        {PLAIN: f"releases:\n- name: web\n  chart: ./charts/web\n  hooks:\n  - {HOOK}\n"},
        *("the hook /bin/touch of the release web", f"{PLAIN}:5", "hooks"),
    ),
    "a hook of a template of releases": Wrong(
        {PLAIN: f"templates: {{all: {{hooks: [{HOOK}]}}}}\n" + WEB % "inherit: [{template: all}]"},
        *("the hook /bin/touch of the release all", f"{PLAIN}:1", "hooks"),
    ),
    "a hook between the actions of a template": Wrong(
        {
            TEMPLATE: "{{- if true }}\nhooks:\n- {events: [prepare], command: '{{ .Environment.Name }}'}\n{{- end }}\n"
            + WEB % ""
        },
        *("the hook (template) of the helmfile", f"{TEMPLATE}:3", "hooks"),
    ),
    "a hook of two events, of which a render fires one": Wrong(
        {PLAIN: "hooks: [{events: [presync, cleanup], command: /bin/touch, args: [ran]}]\n" + WEB % ""},
        *("the hook /bin/touch of the helmfile", f"{PLAIN}:1", "hooks"),
    ),
    "a hook of an event that a template makes": Wrong(
        {TEMPLATE: "hooks: [{events: ['{{ print \"pre\" }}pare'], command: /bin/touch}]\n" + WEB % ""},
        *("the hook /bin/touch of the helmfile", f"{TEMPLATE}:1", "hooks"),
    ),
    "a hook of kubectl": Wrong(
        {PLAIN: "hooks: [{events: [prepare], kubectlApply: {filename: a}}]\n" + WEB % ""},
        *("the hook kubectl apply of the helmfile", f"{PLAIN}:1", "hooks"),
    ),
    "a hook of a state below": Wrong(
        {PLAIN: "helmfiles: [sub/one.yaml]\n", "sub/one.yaml": f"# x\nhooks: [{HOOK}]\n" + WEB % ""},
        *("the hook /bin/touch of the helmfile", "sub/one.yaml:2", "hooks"),
    ),
    "a hook in another writing": Wrong(
        {PLAIN: f'"\\x68oo\\u006bs": [{HOOK}]\n' + WEB % ""},
        *("the hook /bin/touch of the helmfile", f"{PLAIN}:1", "hooks"),
    ),
    "a hook of bytes": Wrong(
        {PLAIN: f"!!binary aG9va3M=: [{HOOK}]\n" + WEB % ""},
        *("the hook /bin/touch of the helmfile", f"{PLAIN}:1", "hooks"),
    ),
    "a hook behind what looks like an action": Wrong(
        {PLAIN: f'commonLabels: {{a: "{{{{`"}}\nhooks: [{HOOK}]\n' + WEB % "labels: {b: '`}}'}"},
        *("the hook /bin/touch of the helmfile", f"{PLAIN}:2", "hooks"),
    ),
    "a post-renderer": Wrong(
        {PLAIN: WEB % "postRenderer: ./run"}, "the postRenderer ./run of the release web", f"{PLAIN}:1", "hooks"
    ),
    "exec": Wrong(
        {TEMPLATE: '# first\n{{ exec "id" (list) }}\n' + WEB % ""},
        "the template function exec",
        f"{TEMPLATE}:2",
        "exec",
    ),
    "exec behind a pipe": Wrong(
        {TEMPLATE: WEB % 'values: [{a: {{ "id" | exec }}}]'}, "the template function exec", f"{TEMPLATE}:1", "exec"
    ),
    "exec in a comment of YAML": Wrong(
        {PLAIN: WEB % "values: [v.yaml.gotmpl]", "v.yaml.gotmpl": '# {{ envExec (dict) "id" list }}\n'},
        *("the template function envExec", "v.yaml.gotmpl:1", "exec"),
    ),
    "exec in a helper": Wrong(
        {PLAIN: WEB % "", "_a.tpl": '{{ define "a" }}\n{{ exec "id" list }}{{ end }}'},
        *("the template function exec", "_a.tpl:2", "exec"),
    ),
    "exec in a text for later": Wrong(
        {TEMPLATE: WEB % "labels: {a: '{{`{{ exec \"id\" (list) }}`}}'}"},
        *("the template function exec", f"{TEMPLATE}:1", "exec"),
    ),
    "exec in a state without the name of a template": Wrong(
        {PLAIN: WEB % "labels: {a: '{{ exec \"id\" (list) }}'}"}, "the template function exec", f"{PLAIN}:1", "exec"
    ),
    "exec in what is read as text": Wrong(
        {TEMPLATE: WEB % 'values: [{{ tpl (readFile "x.txt") . }}]', "x.txt": '{{ exec "id" list }}'},
        *("the template function exec", "x.txt:1", "exec"),
    ),
    "a folder that is listed": Wrong(
        {TEMPLATE: WEB % 'values: [{a: {{ readDir "/" }}}]'}, "the template function readDir", f"{TEMPLATE}:1", "exec"
    ),
    "a file whose name is made up": Wrong(
        {TEMPLATE: WEB % "values: [{a: {{ readFile .Values.x }}}]"},
        *("readFile of a file whose name is made up while rendering", f"{TEMPLATE}:1", "exec"),
    ),
    "a name that is looked up": Wrong(
        {TEMPLATE: WEB % 'values: [{a: {{ getHostByName "a" }}}]'},
        *("the template function getHostByName", f"{TEMPLATE}:1", "exec"),
    ),
    "ref": Wrong(
        {PLAIN: WEB % "values: [{a: 'ref+file:///etc/passwd'}]"},
        *("`ref+file`, by which vals reads secrets,", f"{PLAIN}:1", "ref"),
    ),
    "ref in a values file": Wrong(
        {PLAIN: WEB % "values: [v.yaml]", "v.yaml": "# ref+echo://in-a-comment\na: secretref+vault://x/y#/z\n"},
        *("`secretref+vault`, by which vals reads secrets,", "v.yaml:2", "ref"),
    ),
    "ref by a function": Wrong(
        {TEMPLATE: WEB % 'values: [{a: {{ fetchSecretValue "x" }}}]'},
        *("`fetchSecretValue`, by which vals reads secrets,", f"{TEMPLATE}:1", "ref"),
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_refused_before_helmfile_runs(world: HelmfileRepository, name: str) -> None:
    wrong = PROGRAMS[name]
    without_helmfile(world)
    world.write_app(wrong.files)
    what, where, hint = world.refused()
    assert what == f"cmp: {wrong.what} is not allowed"
    assert where == f"  where: application shop, cluster dev, phase policy, {APP}/{wrong.place}"
    ways = f"an administrator sets helmfile.{wrong.feature} to true in a policy (CMP_POLICY); an author does without it"
    assert hint == f"  hint: {ways}"
    others = {"hooks", "exec", "ref"} - {wrong.feature}
    world.allow(*others)
    assert world.refused()[0] == f"cmp: {wrong.what} is not allowed"
    world.allow(wrong.feature)
    assert "it ran" in world.refused()[0]


OUTSIDE = "which leads outside the source tree"
NETWORK = "which helmfile would fetch over the network"
NEVER = {
    "values of the machine": Wrong(
        {PLAIN: WEB % "values: [/etc/passwd]"}, f"the helmfile names /etc/passwd, {OUTSIDE}", f"{PLAIN}:1"
    ),
    "values of an environment": Wrong(
        {PLAIN: "environments:\n  default:\n    values:\n    - /etc/passwd\n---\n" + WEB % ""},
        *(f"the helmfile names /etc/passwd, {OUTSIDE}", f"{PLAIN}:4"),
    ),
    "a file that is set": Wrong(
        {PLAIN: WEB % "set: [{name: a, file: /etc/passwd}]"}, f"the helmfile names /etc/passwd, {OUTSIDE}", f"{PLAIN}:1"
    ),
    "a file that is read": Wrong(
        {TEMPLATE: WEB % f'values: [{{a: {{{{ readFile "{AGE_KEY_FILE}" }}}}}}]'},
        *(f"readFile names {AGE_KEY_FILE}, {OUTSIDE}", TEMPLATE),
    ),
    "a file above that is read": Wrong(
        {TEMPLATE: WEB % 'values: [{a: {{ readFile "../../../x" }}}]'},
        f"readFile names ../../../x, {OUTSIDE}",
        TEMPLATE,
    ),
    "a base of the network": Wrong(
        {PLAIN: "bases: ['git::https://example.com/x@base.yaml']\n" + WEB % ""},
        *(f"the helmfile names git::https://example.com/x@base.yaml, {NETWORK}", f"{PLAIN}:1"),
    ),
    "a state of the network": Wrong(
        {PLAIN: "helmfiles: [{path: 'https://example.com/x.yaml'}]\n"},
        *(f"the helmfile names https://example.com/x.yaml, {NETWORK}", f"{PLAIN}:1"),
    ),
    "a state of any name": Wrong(
        {PLAIN: "helmfiles: [one.txt]\n", "one.txt": f"hooks: [{HOOK}]\n"},
        *("the helmfile names the state one.txt, which is not looked at before helmfile reads it", f"{PLAIN}:1"),
    ),
    "a state in a chart": Wrong(
        {PLAIN: "helmfiles: [charts/*/t*s/one.yaml]\n", "charts/web/templates/one.yaml": f"hooks: [{HOOK}]\n"},
        *("the helmfile names the state charts/*/t*s/one.yaml, which is not looked at before helmfile reads it",),
        f"{PLAIN}:1",
    ),
    "a base in a chart": Wrong(
        {PLAIN: "bases: [./charts/web/crds/one.yaml]\n", "charts/web/crds/one.yaml": f"hooks: [{HOOK}]\n"},
        *("the helmfile names the state ./charts/web/crds/one.yaml, which is not looked at before helmfile reads it",),
        f"{PLAIN}:1",
    ),
    "a state without a suffix": Wrong(
        {PLAIN: "helmfiles: [sub/one]\n", "sub/one": "values: [a: [b:]]\n"},
        *("the helmfile names the state sub/one, which is not looked at before helmfile reads it", f"{PLAIN}:1"),
    ),
    "a state that helmfile can read, and nobody else": Wrong(
        {PLAIN: "values: [a: [b:]]\n" + WEB % ""},
        *("this file cannot be looked at before helmfile reads it: found unexpected ':'", f"{PLAIN}:1:15"),
    ),
    "flags of helm": Wrong(
        {PLAIN: "helmDefaults:\n  args: ['--post-renderer=x']\n" + WEB % ""},
        *("helmDefaults has args, which could be any flags of helm", f"{PLAIN}:2"),
    ),
    "flags of helm template": Wrong(
        {PLAIN: "helmDefaults:\n  templateArgs: ['--post-renderer=x']\n" + WEB % ""},
        *("helmDefaults has templateArgs, which could be any flags of helm", f"{PLAIN}:2"),
    ),
    "a helm of the helmfile": Wrong(
        {PLAIN: "helmBinary: ./run\n" + WEB % ""}, "the helmfile names a helm of its own, ./run", f"{PLAIN}:1"
    ),
    "a helm of a base": Wrong(
        {PLAIN: "bases: [a.yaml]\n" + WEB % "", "a.yaml": "# x\nhelmBinary: ./run\n"},
        *("the helmfile names a helm of its own, ./run", "a.yaml:2"),
    ),
    "values by a getter": Wrong(
        {PLAIN: WEB % "values: ['file::/etc/passwd']"}, f"the helmfile names file::/etc/passwd, {NETWORK}", f"{PLAIN}:1"
    ),
    "patches": Wrong(
        {PLAIN: WEB % "strategicMergePatches: [{a: b}]"},
        *(
            "the release web has strategicMergePatches: helmfile would make a chart of its own with kustomize",
            f"{PLAIN}:1",
        ),
    ),
    "a password": Wrong(
        {PLAIN: "repositories:\n- name: a\n  url: https://example.com\n  password: b\n" + WEB % ""},
        *("the repository a has password in the helmfile", f"{PLAIN}:4"),
    ),
}


@pytest.mark.parametrize("name", NEVER)
def test_no_policy_can_allow_it(world: HelmfileRepository, name: str) -> None:
    wrong = NEVER[name]
    without_helmfile(world)
    world.write_app(wrong.files)
    world.allow("hooks", "exec", "ref")
    what, where, _ = world.refused()
    assert what == f"cmp: {wrong.what}"
    assert where == f"  where: application shop, cluster dev, phase helmfile, {APP}/{wrong.place}"


MADE_UP = {
    "a state in a chart": Wrong(
        {
            TEMPLATE: 'helmfiles: [\'charts/web/{{ print "temp" "lates" }}/one.yaml\']\n',
            "charts/web/templates/one.yaml": f"hooks: [{HOOK}]\n" + WEB % "",
        },
        *("charts/web/templates/one.yaml, which is not looked at before helmfile reads it", TEMPLATE),
    ),
    "a hook": Wrong(
        {TEMPLATE: f'{{{{ print "ho" "oks" }}}}: [{HOOK}]\n' + WEB % ""},
        *("the hook /bin/touch of the helmfile is not allowed", TEMPLATE),
    ),
    "a hook of a state below": Wrong(
        {
            PLAIN: "helmfiles: [sub/a.yaml.gotmpl]\n",
            "sub/a.yaml.gotmpl": f'{{{{ print "ho" "oks" }}}}: [{HOOK}]\n' + WEB % "",
        },
        *("the hook /bin/touch of the helmfile is not allowed", "sub/a.yaml.gotmpl"),
    ),
    "a post-renderer": Wrong(
        {TEMPLATE: WEB % '{{ print "post" "Renderer" }}: x'},
        *("the postRenderer x of the release web is not allowed", TEMPLATE),
    ),
    "a reference": Wrong(
        {TEMPLATE: WEB % 'values: [{a: "{{ print "re" "f+file" }}:///etc/passwd"}]'},
        *("`ref+file`, by which vals reads secrets, is not allowed", TEMPLATE),
    ),
    "a path": Wrong(
        {TEMPLATE: WEB % "values: ['{{ print \"/\" }}etc/passwd']"},
        f"the helmfile names /etc/passwd, {OUTSIDE}",
        TEMPLATE,
    ),
    "a path in the tree": Wrong(
        {TEMPLATE: WEB % "values: ['{{ repeat 2 \"../\" }}cmp.yaml']"},
        *(
            "the helmfile names ../../cmp.yaml, a path outside its folder that is made up while rendering",
            f"{TEMPLATE}:1",
        ),
    ),
    "a path above the tree": Wrong(
        {TEMPLATE: WEB % "values: ['{{ repeat 9 \"../\" }}etc/passwd']"},
        *(f"the helmfile names {'../' * 9}etc/passwd, {OUTSIDE}", f"{TEMPLATE}:1"),
    ),
    "exec": Wrong(
        {TEMPLATE: WEB % 'values: [{a: {{ tpl (print "{{ ex" "ec \\"/bin/touch\\" (list \\"ran\\") }}") . }}}]'},
        *("HELMFILE_DISABLE_INSECURE_FEATURES is active, insecure function calls are disabled", f"{TEMPLATE}:1"),
    ),
}


@each_helmfile
@pytest.mark.parametrize("name", MADE_UP)
def test_what_templates_make_up_is_refused_when_it_is_seen(world: HelmfileRepository, name: str) -> None:
    wrong = MADE_UP[name]
    world.write_app(wrong.files)
    what, where, *_ = world.refused()
    assert what.endswith(wrong.what)
    assert where.endswith(f", {APP}/{wrong.place}")


KEY = f"f+file://{AGE_KEY_FILE}"
UNSEEN = {
    "a reference of a values file": {
        PLAIN: WEB % "values: [v.yaml.gotmpl]",
        "v.yaml.gotmpl": f'a: {{{{ print "re" "{KEY}" }}}}\n',
    },
    "a function of a text that is made up": {
        TEMPLATE: WEB % f'values: [{{a: {{{{ tpl (print "{{{{ fetchSec" "retValue (print `re` `{KEY}`) }}}}") . }}}}}}]'
    },
    "the values of an environment": {
        TEMPLATE: f"environments: {{default: {{values: ['{{{{ print \"/\" }}}}{str(AGE_KEY_FILE)[1:]}']}}}}\n---\n"
        + WEB % ""
    },
}


@each_helmfile
@pytest.mark.parametrize("name", UNSEEN)
def test_what_no_look_finds_meets_the_wall(world: HelmfileRepository, name: str) -> None:
    world.write_app(UNSEEN[name])
    ran = world.run()
    assert (ran.code, ran.stdout) == (7, "")
    assert f"open {AGE_KEY_FILE}: permission denied" in ran.stderr
    assert KEY_LINE not in ran.stderr


@each_helmfile
def test_the_policy_lets_hooks_run(world: HelmfileRepository) -> None:
    world.allow("hooks")
    script = "printf 'v: made\\n' > made.yaml"
    world.write_app(
        {PLAIN: f'hooks: [{{events: [prepare], command: sh, args: [-c, "{script}"]}}]\n' + WEB % "values: [made.yaml]"}
    )
    assert values(world.must())["web"] == {"from": "chart", "v": "made"}


@pytest.mark.parametrize("world", WITH_HELM_3, ids=" with ".join, indirect=True)
def test_a_program_of_the_repository_must_be_executable(world: HelmfileRepository) -> None:
    world.allow("hooks")
    world.write_app({PLAIN: WEB % "postRenderer: ./mark.sh", "mark.sh": "#!/bin/sh\nsed s/chart/marked/\n"})
    what, where, hint = world.refused()
    assert what.startswith(f"cmp: helmfile {world.helmfile}: release web: helm {world.helm}: ")
    assert what.endswith('exec: "./mark.sh": permission denied')
    assert where == f"  where: application shop, cluster dev, phase helmfile, namespaces/shop/{PLAIN}"
    assert hint == (
        "  hint: a program that a helmfile runs must be executable in Git (`git update-index --chmod=+x FILE`), and "
        "the file system of CMP_TMPDIR must let programs run (no `noexec`)"
    )
    (world.root / world.app_folder / "mark.sh").chmod(0o755)
    assert values(world.must())["web"] == {"from": "marked"}


def test_a_post_renderer_of_helm_4_is_a_plugin(world: HelmfileRepository) -> None:
    world.allow("hooks")
    world.write_app({PLAIN: WEB % "postRenderer: ./mark.sh", "mark.sh": "#!/bin/sh\nsed s/chart/marked/\n"})
    what, *_, hint = world.refused()
    assert what.endswith("plugin: {Name:mark Type:postrenderer/v1} not found")
    assert hint == (
        "  hint: helm 4 takes a plugin for a postRenderer, and a render has none: pin a helm 3 by "
        "`helmfile: {helmVersion: …}` in cmp-app.yaml"
    )


@each_helmfile
def test_the_policy_lets_templates_run_programs_and_read_files(world: HelmfileRepository) -> None:
    world.allow("exec")
    other = world.sandbox.folder / "other.txt"
    other.write_text("other")
    world.write_app(
        {
            TEMPLATE: WEB
            % 'values: [{a: {{ exec "echo" (list "ran") | trim }}, b: {{ print %s | readFile }}}]'.replace(
                "%s", f'"{other}"'
            )
        }
    )
    assert values(world.must())["web"] == {"from": "chart", "a": "ran", "b": "other"}


@each_helmfile
def test_the_policy_lets_vals_resolve_references(world: HelmfileRepository) -> None:
    world.allow("ref")
    other = world.sandbox.folder / "other.txt"
    other.write_text("other")
    world.write_app({PLAIN: WEB % f"values: [{{a: 'ref+file://{other}'}}]"})
    assert values(world.must())["web"] == {"from": "chart", "a": "other"}


def test_a_reference_that_runs_a_program_is_one_of_both_kinds(world: HelmfileRepository) -> None:
    world.write_app({PLAIN: WEB % "values: [{a: 'ref+exec:///bin/echo?args=ran'}]"})
    world.allow("ref")
    assert world.refused()[0] == "cmp: `ref+exec`, by which vals runs a program, is not allowed"
    world.allow("exec")
    assert world.refused()[0] == "cmp: `ref+exec`, by which vals reads secrets, is not allowed"
    world.allow("exec", "ref")
    assert values(world.must())["web"] == {"from": "chart", "a": "ran"}


RUNS = {
    "a reference": {
        PLAIN: WEB % "values: [v.yaml.gotmpl, {b: 'ref+echo://b'}]",
        "v.yaml.gotmpl": 'a: {{ print "re" "f+exec://MARK" }}\n',
    },
    "a reference in a reference": {PLAIN: WEB % "values: [{a: 'ref+echo://re', b: 'ref+ref+echo://exec+://MARK'}]"},
    "a helm": {
        TEMPLATE: '{{ print "helm" "Binary" }}: MARK\nenvironments: {default: {secrets: [s.yaml]}}\n---\n'
        + WEB % "values: [{b: 'ref+echo://b'}]",
        "s.yaml": "a: b\n",
    },
}


@pytest.mark.parametrize("name", RUNS)
def test_where_references_are_allowed_no_program_that_is_made_up_runs(world: HelmfileRepository, name: str) -> None:
    world.allow("ref")
    program = world.root / APP / "run"
    world.write_app({file: text.replace("MARK", str(program)) for file, text in RUNS[name].items()})
    world.write_app({"run": f"#!/bin/sh\ntouch {program}.ran\n"})
    program.chmod(0o755)
    world.refused()
    assert not program.with_name("run.ran").exists()


# Every other event of helmfile's documentation: verbs that change a cluster fire them.
ELSEWHERE = "preapply, presync, postsync, preuninstall, postuninstall"


@each_helmfile
def test_hooks_that_no_render_fires_need_no_policy(world: HelmfileRepository) -> None:
    marks = {where: world.sandbox.folder / where for where in ("state", "release", "template")}
    hooks = {
        where: f"hooks: [{{events: [{ELSEWHERE}], command: /usr/bin/touch, args: [{mark}]}}]"
        for where, mark in marks.items()
    }
    state = f"{hooks['state']}\ntemplates: {{all: {{{hooks['template']}}}}}\n"
    world.write_app({PLAIN: state + WEB % f"{hooks['release']}, inherit: [{{template: all}}]"})
    assert values(world.must()) == values(world.by_hand())
    assert [where for where, mark in marks.items() if mark.exists()] == []


@each_helmfile
def test_a_hook_whose_event_is_rendered_into_one_that_fires_is_seen(world: HelmfileRepository) -> None:
    made = """{{ print "hooks: [{events: [pre" "pare], command: x}]" }}"""
    world.write_app({TEMPLATE: f"releases:\n- name: web\n  chart: ./charts/web\n  {made}\n"})
    assert world.refused()[0] == "cmp: the hook x of the release web is not allowed"


HARMLESS = {
    "values of these names": "hooks: [{name: a, command: b}]\nargs: [a]\nhelmfiles: 3\nbases: {}\n"
    "repositories: {a: {password: b}}\nreleases: 3\n",
    "a probe": "livenessProbe: {exec: {command: [sh, -c, 'echo {{ .Release.Name }}']}}\n",
    "a field": "a: {{ .Values.exec.readFile }}\nb: {{ $x := .Values.exec }}{{ $x.readDir }}\n",
    "a literal": 'a: {{ "exec" | quote }}\nb: {{ get "exec.readDir" "" .Values }}\n',
    "a comment": 'a: 1 {{/* exec "id", and it\'s no call */}}\n',
    "another reference": "a: xref+y\nb: ref+\nc: https://git.example/x?ref=main\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_it_is_taken(world: HelmfileRepository, name: str) -> None:
    world.write_app(
        {
            PLAIN: "values: [{exec: {readFile: a, readDir: b}}]\n---\n" + WEB % "values: [v.yaml.gotmpl]",
            "v.yaml.gotmpl": HARMLESS[name],
        }
    )
    assert "web" in values(world.must())


def test_charts_may_have_templates_of_their_own_kind(world: HelmfileRepository) -> None:
    world.write_app({PLAIN: WEB % "", "charts/web/templates/exec.yaml": '{{- define "exec" }}ref+file://x{{ end }}\n'})
    assert "web" in values(world.must())


@pytest.mark.parametrize(
    ("helmfile_version", "version", "asked"),
    [
        ("1.1.7", 0, ["helmfile.ref"]),
        ("1.8.0", 0, ["helmfile.ref", "helmfile.exec"]),
        ("1.8.0", 3, ["helmfile.ref"]),
        ("1.8.0", 4, []),
    ],
)
def test_without_a_wall_the_policy_decides(
    monkeypatch: pytest.MonkeyPatch, helmfile_version: str, version: int, asked: list[str]
) -> None:
    class Recorder:
        """Notes what the policy is asked for."""

        features: list[str]

        def permit_unconfined(self, feature: str, subject: str) -> None:
            self.features.append(feature)
            assert "Landlock" in subject

    recorder = Recorder()
    recorder.features = []
    monkeypatch.setattr("cmp.system.sandbox.version", lambda: version)
    helmfile.require_sandbox(cast("InputProvider", recorder), Tool("helmfile", helmfile_version, "", ""))
    assert recorder.features == asked
