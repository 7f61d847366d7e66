"""The guard on stdout: what passes, what is refused and with which words, and that Argo CD reads the same."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cmp import yamldoc
from cmp.errors import OutputError
from cmp.model import OutputRules
from cmp.render.output import CheckedOutput, check
from cmp.secrets.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.go_yaml import GoYaml

STRICT = OutputRules()
NOISE = (re.compile(r"(Pulled|Digest): \S+"), re.compile(r"WARNING: .*"))
REORDERED = "kind: ConfigMap\nmetadata: {name: a}\napiVersion: v1\n"
CIPHERTEXT = "ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:cXV1eA==,type:str]"


def object_text(name: str, *, kind: str = "ConfigMap", extra: str = "") -> str:
    """Return the text of one object, without a separator."""
    return f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{extra}"


def helm(*bodies: str) -> str:
    """Return objects as `helm template` prints them, one file each."""
    return "".join(f"---\n# Source: web/templates/{number}.yaml\n{body}" for number, body in enumerate(bodies))


def mask(text: str) -> str:
    """Stand for a redactor that knows one secret."""
    return text.replace("hunter2", MASK)


def checked(text: str | bytes, rules: OutputRules = STRICT) -> CheckedOutput:
    data = text.encode() if isinstance(text, str) else text
    return check(data, rules=rules, noise=NOISE, engine="helm", mask=mask)


def refused(text: str | bytes, rules: OutputRules = STRICT) -> list[str]:
    with pytest.raises(OutputError) as caught:
        checked(text, rules)
    assert caught.value.exit_code == 8
    return "\n".join(caught.value.lines()).splitlines()


# What passes


@pytest.mark.parametrize(
    "text",
    [
        helm(object_text("a"), object_text("b")),
        helm("# a comment\n" + object_text("a") + "\n\n", object_text("b")),
        helm(object_text("a", extra="data:\n  script: |+\n    first\n    --- not a separator\n\n")),
        "--- # who wrote this\n" + object_text("a"),
        "---   \n" + object_text("a") + "...\n",
        helm(object_text("a", extra="data: &d {x: '1'}\nbinaryData: *d\n")),
        "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n",
        '---\n{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}\n',
        helm(object_text("a")).replace("\n", "\r\n"),
        helm(object_text("日本", extra="data:\n  挨拶: こんにちは  # 注釈\n")),
    ],
)
def test_text_passes_as_the_engine_wrote_it(text: str) -> None:
    assert checked(text).yaml == text.encode()


def test_every_document_starts_with_a_separator_and_ends_with_a_newline() -> None:
    without_both = object_text("a") + "---\n" + object_text("b").rstrip("\n")
    assert checked(without_both).yaml.decode() == "---\n" + object_text("a") + "---\n" + object_text("b")


def test_a_byte_order_mark_at_the_start_is_dropped() -> None:
    assert checked(b"\xef\xbb\xbf" + helm(object_text("a")).encode()).yaml == helm(object_text("a")).encode()


def test_empty_documents_and_those_with_comments_only_are_dropped() -> None:
    text = "# first\n---\n---\n# Source: web/templates/none.yaml\n---\nnull\n---\n" + object_text("a") + "---\n"
    assert checked(text).yaml.decode() == "---\n" + object_text("a")


def test_what_is_known_of_an_object_is_told() -> None:
    text = helm("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: b}\n")
    (manifest,) = checked(text).manifests
    assert manifest == ("apps/v1", "Deployment", "b", "a", text, manifest.value, "web/templates/0.yaml")
    assert manifest.value == yamldoc.load_all(text.encode())[0]


def test_the_further_documents_of_a_file_have_its_name() -> None:
    text = helm(object_text("a") + "---\n" + object_text("b"), object_text("c"))
    sources = [manifest.source for manifest in checked(text).manifests]
    assert sources == ["web/templates/0.yaml", "web/templates/0.yaml", "web/templates/1.yaml"]


def test_generate_name_serves_for_a_name_and_is_never_a_repetition() -> None:
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\n"
    assert [manifest.name for manifest in checked(helm(job, job)).manifests] == ["migrate-", "migrate-"]


def test_the_same_name_in_another_group_kind_or_namespace_is_another_object() -> None:
    texts = [
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: other}\n",
    ]
    assert len(checked(helm(*texts)).manifests) == len(texts)


def test_an_equal_repetition_is_kept_once_and_noted() -> None:
    rendered = checked(helm(object_text("a"), object_text("b"), REORDERED))
    assert [manifest.name for manifest in rendered.manifests] == ["a", "b"]
    assert rendered.warnings == ("ConfigMap a stands twice with the same content (lines 2 and 14 of the output)",)


def test_known_noise_before_the_first_separator_is_left_out_and_noted() -> None:
    text = "Pulled: 127.0.0.1/redis:1.2.3\nWARNING: old\n\n" + helm(object_text("a"))
    rendered = checked(text)
    assert rendered.yaml.decode() == helm(object_text("a"))
    assert rendered.warnings == (
        "helm printed before the first document: Pulled: 127.0.0.1/redis:1.2.3",
        "helm printed before the first document: WARNING: old",
    )


def test_json_lines_have_sorted_keys_and_the_numbers_of_go() -> None:
    text = helm(object_text("b", extra="data: {y: 1e3, x: 9007199254740993}\n"), object_text("a"))
    assert checked(text).json_lines().decode().splitlines() == [
        '{"apiVersion":"v1","data":{"true":1000,"x":9007199254740993},"kind":"ConfigMap","metadata":{"name":"b"}}',
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}',
    ]


# Lists


@pytest.mark.parametrize("kind", ["List", "ConfigMapList"])
def test_a_list_becomes_its_items(kind: str) -> None:
    items = "".join(f"  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}\n" for name in "ab")
    rendered = checked(helm(f"apiVersion: v1\nkind: {kind}\nitems:\n{items}  - null\n"))
    assert rendered.yaml.decode() == helm(object_text("a"), object_text("b")).replace("/1.yaml", "/0.yaml")


@pytest.mark.parametrize("items", ["[]", "null"])
def test_a_list_without_items_is_no_object(items: str) -> None:
    text = helm(f"apiVersion: v1\nkind: ConfigMapList\nitems: {items}\n", object_text("a"))
    assert [manifest.name for manifest in checked(text).manifests] == ["a"]


def test_a_kind_that_only_sounds_like_a_list_is_an_object() -> None:
    text = "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}\nitems: null\n"
    assert checked(helm(text)).yaml.decode() == helm(text)


def test_the_items_of_a_list_are_checked() -> None:
    assert refused(helm("apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Pod}\n  - text\n")) == [
        "cmp: 2 mistakes in what helm printed",
        "  web/templates/0.yaml, line 2 of the output: Pod: no metadata.name",
        "  web/templates/0.yaml, line 2 of the output: a document: text, not an object: `text`",
    ]


def test_an_object_that_argo_cd_would_take_for_a_list_is_refused() -> None:
    assert refused(helm(object_text("a", kind="Menu", extra="items: [tea]\n"))) == [
        "cmp: Menu a: an object with a list `items` at its top: Argo CD would apply the items in its place",
        "  where: web/templates/0.yaml, line 2 of the output",
    ]


# Group/versions


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_group_version_is_rewritten_in_its_line_only(quote: str) -> None:
    body = (
        "# apiVersion: old/v1beta1\n"
        f"apiVersion: {quote}old/v1beta1{quote}  # 古い\n"
        "kind: ConfigMap\nmetadata: {name: a}\n"
        "data:\n  text: |\n    apiVersion: old/v1beta1\n"
    )
    rendered = checked(helm(body), OutputRules(api_versions={"old/v1beta1": "old/v1"}))
    assert rendered.manifests[0].api_version == "old/v1"
    line = f"\napiVersion: {quote}old/v1beta1{quote}  # 古い\n"
    assert rendered.yaml.decode() == helm(body).replace(line, f"\napiVersion: {quote}old/v1{quote}  # 古い\n")


def test_a_group_version_within_braces_is_rewritten_by_printing_the_object_anew() -> None:
    text = helm("{apiVersion: old/v1beta1, kind: ConfigMap, metadata: {name: a}}\n")
    rendered = checked(text, OutputRules(api_versions={"old/v1beta1": "old/v1"}))
    assert rendered.yaml.decode() == helm(object_text("a").replace(" v1", " old/v1"))


def test_a_group_version_in_a_list_is_rewritten() -> None:
    text = helm("apiVersion: v1\nkind: List\nitems: [{apiVersion: old/v1beta1, kind: A, metadata: {name: a}}]\n")
    rendered = checked(text, OutputRules(api_versions={"old/v1beta1": "old/v1"}))
    assert rendered.yaml.decode() == helm("apiVersion: old/v1\nkind: A\nmetadata:\n  name: a\n")


# What is refused

TWO_IN_ONE = "Service a: two objects in one document: the `---` between them is missing, or the line break before it"
CUT_OFF = "text follows the end of a document (`...`), or a directive (`%YAML`) stands before it"
SEPARATOR = "text after `---` on the same line: Argo CD refuses it as an invalid document separator"
TWO_OBJECTS = object_text("a---", kind="Deployment") + object_text("a", kind="Service")

REFUSED: Mapping[str, tuple[str, str, str]] = {
    # each a text, its message, and the line
    "no apiVersion": ("kind: Pod\nmetadata: {name: a}\n", "Pod a: no apiVersion", "2"),
    "no kind": ("apiVersion: v1\nmetadata: {name: a}\n", "an object a: no kind", "2"),
    "no metadata": ("apiVersion: v1\nkind: Pod\n", "Pod: no metadata.name", "2"),
    "an empty name": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: '', namespace: b}\n",
        "Pod b: no metadata.name",
        "2",
    ),
    "a name that is a number": (
        object_text("0123"),
        "ConfigMap: metadata.name is a number, not text: quote it",
        "2",
    ),
    "a namespace that is a truth": (
        object_text("a", extra="  namespace: on\n"),
        "ConfigMap a: metadata.namespace is true or false, not text: quote it",
        "2",
    ),
    "metadata that is a list": (
        "apiVersion: v1\nkind: Pod\nmetadata: [a]\n",
        "Pod: metadata is a list, not a map",
        "2",
    ),
    "a list for a document": ("- a\n", 'a document: a list, not an object: `["a"]`', "2"),
    "a number for a document": ("42\n", "a document: a number, not an object: `42`", "2"),
    "a text for a document": ("hunter2\n", f"a document: text, not an object: `{MASK}`", "2"),
    "a long text": ("a\n b\n\n c\n" * 30, f"a document: text, not an object: `{('a b c ' * 30)[:80]}…`", "2"),
    "a secret where the text is cut": (
        f"{'x' * 77}hunter2\n",
        f"a document: text, not an object: `{'x' * 77}{MASK[:3]}…`",
        "2",
    ),
    "a map that is no manifest": (
        "services: {web: {pass: hunter2}}\n",
        f'an object: no manifest, for it has no apiVersion and no kind: `{{"services":{{"web":{{"pass":"{MASK}"}}}}}}`',
        "2",
    ),
    "a warning before the first key": (
        "WARNING: hunter2\n" + object_text("a"),
        "ConfigMap a: the key `WARNING` looks like a line of a log that ran into the object",
        "2",
    ),
    "a warning behind the last key": (
        object_text("a") + "warning: hunter2\n",
        "ConfigMap a: the key `warning` looks like a line of a log that ran into the object",
        "2",
    ),
    "a line of klog": (
        'W0101 10:00:00.000 1 file.go:9] "password=hunter2": hunter2\n' + object_text("a"),
        "ConfigMap a: the key `…` looks like a line of a log that ran into the object",
        "2",
    ),
    "a lost line break": (TWO_OBJECTS, TWO_IN_ONE, "7"),
    "a lost line break behind a comment": (
        object_text("x") + "# end---\n" + object_text("a", kind="Service"),
        TWO_IN_ONE,
        "8",
    ),
    "a lost line break behind quotes": (
        object_text("'x'---") + object_text("a", kind="Service"),
        "ConfigMap a: not valid YAML: did not find expected key",
        "6",
    ),
    "a lost line break behind a block of text": (
        object_text("x", extra="data:\n  text: |\n    end---\n") + object_text("a", kind="Service"),
        TWO_IN_ONE,
        "10",
    ),
    "a document behind a separator": ("# x\n--- {a: b}\n", f"a document: {SEPARATOR}", "4"),
    "a line that only begins with dashes": (object_text("a") + "---- 8< ----\n", f"a document: {SEPARATOR}", "7"),
    "a second document without a separator": (
        object_text("a") + "...\n" + object_text("b"),
        f"ConfigMap a: not valid YAML: did not find expected <document start>; {CUT_OFF}",
        "8",
    ),
    "a directive": (
        "%YAML 1.2\n" + object_text("a"),
        f"ConfigMap a: not valid YAML: did not find expected <document start>; {CUT_OFF}",
        "4",
    ),
    "a tab": (
        object_text("a", extra="data:\n\tx: y\n"),
        "ConfigMap a: not valid YAML: found character that cannot start any token",
        "8",
    ),
    "a number that is none": (
        object_text("a", extra="data: {x: .nan}\n"),
        "ConfigMap a: not valid YAML: not a number that JSON can hold",
        "7",
    ),
    "a C1 character": (
        object_text("a", extra="data: {x: '\x90'}\n"),
        "ConfigMap a: not valid YAML: control characters are not allowed",
        "7",
    ),
    "a byte order mark inside": (
        "\ufeff" + object_text("a"),
        "ConfigMap a: a byte order mark (U+FEFF) at the start of a line",
        "1",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_object_file_and_line(what: str) -> None:
    text, message, line = REFUSED[what]
    assert refused(helm(text)) == [f"cmp: {message}", f"  where: web/templates/0.yaml, line {line} of the output"]
    assert "hunter2" not in message


def test_zero_objects_are_refused() -> None:
    assert refused("---\n# nothing\n") == [
        "cmp: helm printed no object: Argo CD could prune the whole application",
        "  hint: if this is meant, `output: {allowEmpty: true}` in cmp-app.yaml accepts it",
    ]


def test_duplicate_keys_are_refused_with_the_line_of_the_second() -> None:
    text = helm(object_text("a", extra="  labels: {x: '1', x: '2'}\ndata:\n  k: one\n  k: two\n"))
    line = "  web/templates/0.yaml, line"
    assert refused(text) == [
        "cmp: 2 mistakes in what helm printed",
        f"{line} 7 of the output: ConfigMap a: the key `metadata.labels.x` stands twice with different values",
        f"{line} 10 of the output: ConfigMap a: the key `data.k` stands twice with different values",
        "  hint: if this is meant, `output: {allowDuplicateKeys: true}` in cmp-app.yaml accepts it",
    ]


SAME = (
    "data: {k: one, k: one}\n",
    "data: {k: [1, {a: null}], k: [1, {a: ~}]}\n",
    "data: {k: {a: 1, b: 2}, k: {b: 2, a: 1}}\n",
    "data: {k: 'yes', k: \"yes\", k: 'yes'}\n",
)
DIFFERENT = (
    "data: {k: 1, k: 1.0}\n",
    "data: {k: 1, k: true}\n",
    "data: {k: [1], k: [1, 1]}\n",
    "data: {k: {a: 1}, k: {a: 1, b: null}}\n",
    "data: {k: 1, k: '1'}\n",
    "data: {k: 1, k: 2, k: 2}\n",
)


@pytest.mark.parametrize("extra", SAME)
def test_a_key_that_stands_twice_with_the_same_value_is_a_warning(extra: str) -> None:
    text = helm(object_text("a", extra=extra))
    rendered = checked(text)
    assert rendered.yaml.decode() == text
    assert rendered.warnings == (
        "ConfigMap a: the key `data.k` stands twice with the same value (web/templates/0.yaml, line 7 of the output)",
    )
    assert checked(text, OutputRules(allow_duplicate_keys=True)).warnings == ()


@pytest.mark.parametrize("extra", DIFFERENT)
def test_to_json_these_values_are_different(extra: str) -> None:
    assert "the key `data.k` stands twice with different values" in refused(helm(object_text("a", extra=extra)))[0]


def test_keys_that_stand_twice_are_told_each_by_its_own_values() -> None:
    extra = "data:\n  k: {x: 1, x: 1}\n  l: {x: 1, x: 2}\n  k: {x: 1}\n"
    assert refused(helm(object_text("a", extra=extra)))[0] == (
        "cmp: ConfigMap a: the key `data.l.x` stands twice with different values"
    )
    assert checked(helm(object_text("a", extra=extra.replace("2", "1")))).warnings == tuple(
        f"ConfigMap a: the key `data.{key}` stands twice with the same value "
        f"(web/templates/0.yaml, line {line} of the output)"
        for key, line in (("k.x", 8), ("l.x", 9), ("k", 10))
    )


def test_a_repetition_with_other_content_is_refused() -> None:
    assert refused(helm(object_text("a"), object_text("b"), object_text("a", extra="data: {}\n"))) == [
        "cmp: ConfigMap a: the same object with other content stands at line 2, web/templates/0.yaml",
        "  where: web/templates/2.yaml, line 14 of the output",
        "  hint: if this is meant, `output: {allowDuplicateObjects: true}` in cmp-app.yaml accepts it",
    ]


def test_one_and_true_are_other_content() -> None:
    texts = [object_text("a", kind="Switch", extra=f"spec: {{on: {value}}}\n") for value in ("1", "true")]
    assert "the same object with other content" in refused(helm(*texts))[0]


CIPHERTEXT_HINT = (
    "  hint: `secrets: {files: […]}` in cmp-app.yaml decrypts encrypted files of the folder that is rendered; "
    "if this is meant, `output: {allowCiphertext: true}` in cmp-app.yaml accepts it"
)


def test_ciphertext_in_clear_is_refused_with_its_line() -> None:
    assert refused(helm(object_text("a", extra=f"data:\n  x: {CIPHERTEXT}\n"))) == [
        "cmp: ConfigMap a: SOPS ciphertext, still encrypted",
        "  where: web/templates/0.yaml, line 8 of the output",
        CIPHERTEXT_HINT,
    ]


@pytest.mark.parametrize("before", [0, 1, 2])
def test_ciphertext_in_base64_is_found_in_secrets_however_it_is_aligned(before: int) -> None:
    encoded = base64.encodebytes(b"x" * before + CIPHERTEXT.encode()).decode()
    folded = "".join(f"    {line}\n" for line in encoded.splitlines())
    text = object_text("a", kind="Secret", extra=f"data:\n  fine: eA==\n  key: |\n{folded}")
    assert refused(helm(text)) == [
        "cmp: Secret a: `data.key` holds SOPS ciphertext, encoded in base64",
        "  where: web/templates/0.yaml, line 2 of the output",
        CIPHERTEXT_HINT,
    ]


def test_an_encrypted_file_in_the_place_of_a_manifest_is_refused() -> None:
    assert refused(helm(object_text("a", extra="sops: {version: 3.10.2}\n"))) == [
        "cmp: ConfigMap a: a top-level key `sops`: this is an encrypted file",
        "  where: web/templates/0.yaml, line 2 of the output",
        CIPHERTEXT_HINT,
    ]


def test_a_separator_within_quotes_leaves_two_broken_documents() -> None:
    reason = "found unexpected end of stream; a line that starts with `---` ends a document, also inside quotes"
    assert refused(helm(object_text("a", extra="data:\n  x: 'one\n---\n    two'\n"))) == [
        "cmp: 2 mistakes in what helm printed",
        f"  web/templates/0.yaml, line 9 of the output: ConfigMap a: not valid YAML: {reason}",
        "  web/templates/0.yaml, line 10 of the output: a document: text, not an object: `two'`",
    ]


@pytest.mark.parametrize(
    ("garbage", "quoted"),
    [
        ("hunter2\n", MASK),
        ("Release . has been cancelled.\n", "Release . has been cancelled."),
        ("Error: hunter2\n", f"Error: {MASK}"),
        ("level=info msg='a: b'\n", "level=info msg='a: b'"),
        ("WARNING: x\nhunter2\n", MASK),
        ("'\n", "'"),
        ("- a\n", "- a"),
        ("\x00\n", "\x00"),
    ],
)
def test_text_before_the_first_separator_is_refused(garbage: str, quoted: str) -> None:
    line = garbage.count("\n")
    assert refused(garbage + helm(object_text("a"))) == [
        f"cmp: a text: no manifest, printed before the first document: `{quoted}`",
        f"  where: line {line} of the output",
    ]


def test_an_object_before_the_first_separator_is_checked_like_any_other() -> None:
    assert refused("# comment\n" + object_text("a", extra="data:\n  k: 1\n  k: 2\n")) == [
        "cmp: ConfigMap a: the key `data.k` stands twice with different values",
        "  where: line 8 of the output",
        "  hint: if this is meant, `output: {allowDuplicateKeys: true}` in cmp-app.yaml accepts it",
    ]


def test_of_many_mistakes_the_first_five_are_told() -> None:
    listed = [
        f"  web/templates/{number}.yaml, line {number * 4 + 2} of the output: Pod a: no apiVersion"
        for number in range(5)
    ]
    assert refused(helm(*(["kind: Pod\nmetadata: {name: a}\n"] * 7))) == [
        "cmp: 7 mistakes in what helm printed",
        *listed,
        "  and 2 more",
    ]


# Refusals that are lifted, one by one

CIPHERTEXTS = (
    f"data: {{k: {base64.b64encode(CIPHERTEXT.encode()).decode()}}}\nstringData: {{k: '{CIPHERTEXT}'}}\nsops: {{}}\n"
)
LIFTED: Mapping[str, tuple[str, OutputRules]] = {
    "allow_empty": ("---\n", OutputRules(allow_empty=True)),
    "allow_duplicate_keys": (
        helm(object_text("a", extra="data: {k: '1', k: '2'}\n")),
        OutputRules(allow_duplicate_keys=True),
    ),
    "allow_duplicate_objects": (
        helm(object_text("a"), object_text("a", extra="data: {}\n")),
        OutputRules(allow_duplicate_objects=True),
    ),
    "allow_ciphertext": (
        helm(object_text("a", kind="Secret", extra=CIPHERTEXTS)),
        OutputRules(allow_ciphertext=True),
    ),
}


@pytest.mark.parametrize("switch", LIFTED)
def test_a_switch_lifts_its_own_refusal_and_no_other(switch: str) -> None:
    text, rules = LIFTED[switch]
    empty, keys, objects, ciphertext = rules[:4]
    everything_else = OutputRules(not empty, not keys, not objects, not ciphertext)
    assert refused(text, everything_else)
    assert checked(text, rules).yaml.decode() == ("" if switch == "allow_empty" else text)


def test_no_switch_lifts_the_loss_of_an_object() -> None:
    assert TWO_IN_ONE in refused(helm(TWO_OBJECTS), OutputRules(allow_duplicate_keys=True))[0]


# What the repo-server accepts

AS_REPOSERVER = OutputRules(allow_empty=True, as_reposerver=True)
ACCEPTED = {
    "a key twice": (object_text("a", extra="data: {k: '1', k: '2'}\n"), "the key `data.k` stands twice"),
    "ciphertext": (object_text("a", extra=f"data: {{k: '{CIPHERTEXT}'}}\n"), "SOPS ciphertext"),
    "no name": ("apiVersion: v1\nkind: ConfigMap\n", "no metadata.name"),
    "a name that is a number": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 1}\n", "metadata.name is a number"),
    "no apiVersion": ("kind: ConfigMap\nmetadata: {name: a}\n", "no apiVersion"),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_the_repo_server_accepts_is_a_warning(case: str) -> None:
    text, warning = ACCEPTED[case]
    assert refused(helm(text))
    output = checked(helm(text), AS_REPOSERVER)
    assert len(output.manifests) == 1
    assert [warning in one for one in output.warnings] == [True]


def test_of_an_object_that_stands_twice_the_repo_server_hands_on_both_and_the_last_one_counts() -> None:
    output = checked(
        helm(object_text("a"), object_text("b"), object_text("a", extra="data: {k: last}\n")), AS_REPOSERVER
    )
    assert [(one.name, one.value.get("data")) for one in output.manifests] == [("a", {"k": "last"}), ("b", None)]
    (warning,) = output.warnings
    assert warning.startswith(
        "ConfigMap a: stands twice, and Argo CD takes the last one (line 2, web/templates/0.yaml)"
    )


def test_every_object_with_items_is_a_list_to_the_repo_server() -> None:
    text = "apiVersion: v1\nkind: Thing\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]\n"
    assert refused(helm(text))
    assert [one.name for one in checked(helm(text), AS_REPOSERVER).manifests] == ["a"]


@pytest.mark.parametrize(
    "text", ["- a\n", "a: b\n", "apiVersion: v1\nmetadata: {name: a}\n", "kind: [\n", "--- text\nkind: A\n"]
)
def test_what_the_repo_server_refuses_is_refused(text: str) -> None:
    assert refused(helm(text) if not text.startswith("---") else text, AS_REPOSERVER)


# What passes is what Argo CD reads


SEPARATORS = (
    *("---\n", "--- \n", "---\t# c\n", "---\r\n", "---\r", "---#c\n", "--- # c\u2028x: y\n"),
    *("...\n", "\n---\n", "----\n", "---"),
)
BITS = (
    *("x: y\n", "  k: v\n", "  k: |+\n    t\n\n", "  k: 'a\n", "    b'\n", '  q: "\\x41 \\\n', '    z"\n', "# c\n"),
    *("\n", "\r", "\r\r\n", "\ufeff", "\u0085", "\u2028", "\t", "%YAML 1.1\n", "%TAG ! x\n", "- i\n", "? k\n", ": v\n"),
    *("1e3: x\n", "---", "...", "&a ", "*a\n", "!!str ", "<<: *a\n", "null\n", "{}\n", "{a: [b]}\n", "WARNING: x\n"),
    *("a---\n", " ", "x"),
)


def mostly(usual: str, others: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Draw the usual text three times out of four."""
    return st.one_of(*[st.just(usual)] * 3, st.sampled_from(others))


documents = st.tuples(
    mostly("---\n", SEPARATORS),
    st.sampled_from("abcdefgh").map(object_text),
    mostly("", BITS),
    mostly("data:\n", BITS),
    mostly("", BITS),
).map("".join)
streams = st.lists(documents, min_size=1, max_size=5).map("".join)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(before=mostly("", BITS), text=streams, after=mostly("", SEPARATORS))
def test_argo_cd_reads_exactly_what_was_checked(go: GoYaml, before: str, text: str, after: str) -> None:
    data = (before + text + after).encode()
    try:
        rendered = checked(data, OutputRules(allow_empty=True, allow_duplicate_keys=True, allow_duplicate_objects=True))
    except OutputError:
        return
    answer = go.ask(rendered.yaml)
    assume(not answer.streamAmbiguous)
    assert answer.streamError == ""
    assert not answer.streamRest
    assert (answer.stream or []) == rendered.json_lines().decode().splitlines()
    engine = go.ask(data)
    if not rendered.warnings and not engine.streamError:
        assert engine.stream == answer.stream  # nothing was lost on the way
