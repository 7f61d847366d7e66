"""An application whose secrets have every shape, and the search for them in all that a run says, starts and leaves."""

from __future__ import annotations

import html
import json
import re
import subprocess
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import yaml

from cmp.artifacts import toolstore
from tests.support import versions
from tests.support.harness import CHECKOUT
from tests.support.keys import RECIPIENT, SOPS_VERSION, encrypt, sops_tool
from tests.support.old_kernels import NONE, on
from tests.support.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.harness import Ran, Sandbox

HELMS, DEFAULT_HELM = versions.HELM_ENDS, versions.DEFAULT_HELM

LONG = "Xk29fQ7vLw81RzmN" + "".join(f"{number * 7919 % 9973:04d}uYc" for number in range(1, 40))
SENTENCE = " ".join(f"word{number * 104729 % 99991:05d}" for number in range(1, 30))
SHAPES: dict[str, str | float] = {
    "short": "q7Zk2p",
    "long": LONG,
    "sentence": SENTENCE,
    "pem": "-----BEGIN DEMO KEY-----\n"
    "MIIBVgIBADANBgkq/hkiG9w0+BAQEFAASC\nx8Tq0Wm5Rj3Ke9Yb7Uv1Nz6Pc4\n-----END DEMO KEY-----\n",
    "number": 48151623,
    "large": 90071992547409931,
    "float": 2718.2818459,
    "negative": -77345112,
    "japanese": "ひみつの鍵-八四七",
    "emoji": "鍵🔑zq-7713",
    "quotes": 'it\'s "q\\uoted" zR5',
    "base64": "bWFyaWdvbGQtNzc0MQ==",
    "special": "*&! #: {x}, - %9zQ",
    "spaces": "correct  horse 7731",
    "control": "tab\there bell\x07 zero-9Wd",
    "html": "<b>&amp;x</b>-5512",
    "url": "https://user:pa$$-8823@db.example:5432/x?y=1&z=%20",
    "json": '{"token": "jt-552193", "list": [1, 2]}',
    "dashes": "--- - -- 4Hq9",
}
"""Each value occurs nowhere else."""
IMPORTED = "imported-token-51Rb8V"  # a value of a subchart
FILE_TEXT = "file-token-Gh72Wq\nsecond-line-of-it-Pz81\n"
INLINE = "inline-token-77Yx2W"  # the one secret of the stronger layer

# What charts make of values.  The bare helm says what that is, and thereby what must not be seen.
EXPRESSIONS = {
    "as it is": 'printf "%v" .',
    "Go syntax": 'printf "%#v" .',
    "Go-quoted": "toString . | printf `%q`",
    "Go-quoted ASCII": "toString . | printf `%+q`",
    "quote": "quote .",
    "squote": "squote .",
    "JSON": "toJson .",
    "raw JSON": "toRawJson .",
    "YAML": "toYaml .",
    "a map in YAML": 'dict "deeply" (dict "nested" .) | toYaml',
    "a list in JSON": "list . | toPrettyJson",
    "base64": "toString . | b64enc",
    "base64 after one byte": 'printf "x%v" . | b64enc',
    "base64 after two bytes": 'printf "xx%vzzz" . | b64enc',
    "URL-encoded": "toString . | urlquery",
    "indented": "toString . | nindent 8",
    "trimmed": "toString . | trim",
    "a number": "int64 . | toString",
    "capitals": "toString . | upper",
    "small letters": "toString . | lower",
    "HTML": "toString . | html",
    "hexadecimal": 'toString . | printf "%x"',
    "hexadecimal capitals": 'toString . | printf "%X"',
}
CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
APP = "namespaces/shop"
WEAK, STRONG = f"{APP}/common-values.secret.yaml", "clusters/dev/shop/dev-values.secret.yaml"
SECRET_FILE = f"{APP}/files/token.key"
RECORDER = """\
#!/bin/sh
# Notes the arguments and the environment of this process as others see them, then becomes the real program.
cat /proc/$$/cmdline /proc/$$/environ >>"$0.seen"
exec "$(dirname "$0")/real" "$@"
"""


def seal(folder: Path, tools_dir: str) -> dict[str, bytes]:
    """Encrypt the layers and the file by the real sops; returns them by their path."""
    values = {"s": SHAPES, "sub": {"data": {"token": IMPORTED}}}
    texts = {
        WEAK: json.dumps(values, ensure_ascii=False),
        STRONG: f"inline: {INLINE}\n",
        SECRET_FILE: FILE_TEXT,
    }
    tool = sops_tool(tools_dir)
    return {name: encrypt(tool, folder / Path(name).name, text, "--age", RECIPIENT) for name, text in texts.items()}


def printed_by_helm(folder: Path, tools_dir: str) -> dict[str, dict[str, str]]:
    """Return shape -> expression -> what the bare helm makes of it."""
    expressions = " ".join(f"{json.dumps(name)} ({text})" for name, text in EXPRESSIONS.items())
    template = (
        "{{- $all := dict }}{{- range $name, $value := .Values.s }}{{- with $value }}"
        f"{{{{- $_ := set $all $name (dict {expressions}) }}}}"
        '{{- end }}{{- end }}{"all": {{ toJson $all }}}\n'
    )
    (folder / "templates").mkdir(parents=True)
    (folder / "templates/all.yaml").write_text(template)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "plain.yaml").write_text(json.dumps({"s": SHAPES}, ensure_ascii=False))
    helm = f"{tools_dir}/helm/{DEFAULT_HELM}/helm"
    argv = [helm, "template", ".", "--values", "plain.yaml"]
    done = subprocess.run(argv, cwd=folder, env={"HOME": str(folder)}, capture_output=True, check=True)
    found: dict[str, dict[str, str]] = yaml.safe_load(done.stdout)["all"]
    return found


def forms(value: str) -> Iterator[str]:
    """Yield what a text looks like where programs print it, written down without a look at cmp.secrets.redact."""
    yield value
    for encode in (b64encode, urlsafe_b64encode):
        for lead in range(3):
            encoded = encode(b"\0" * lead + value.encode()).decode()
            yield encoded[4 if lead else 0 : -4]  # the ends depend on what stands beside it
    for safe in ("", "/", ":/?&=@$"):
        yield quote(value, safe=safe)
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield value.replace("'", "''")
    yield from (value.upper(), value.lower(), value.encode().hex(), value.encode().hex().upper())
    yield html.escape(value)
    yield html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    yield "".join(chr(byte) if byte < 128 else f"\\x{byte:02x}" for byte in value.encode())
    # Helm 3.14 takes the message of `required` for a format: of "%20" there is "%!0(MISSING)" or the like.
    yield from (part for part in value.split("%") if len(part) >= 10)


def needles(printed: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return every form of every secret -> what it belongs to; nothing that a text could hold by chance."""
    found: dict[str, str] = {}
    for name, value in {**SHAPES, "file": FILE_TEXT, "inline": INLINE, "imported": IMPORTED}.items():
        texts = [str(value), *without_armour(str(value))]
        of_helm = (line for text in printed.get(name, {}).values() for line in without_armour(text))
        of_python = (form for text in texts if len(text.strip()) >= 6 for form in forms(text))
        found.update((form, name) for form in map(_core, (*of_python, *of_helm)) if len(form) >= 6)
    # A JSON Schema's findings have them with commas, or as powers of ten.
    found |= {
        "48,151,623": "number",
        "8151623": "number",
        "2,718.28": "float",
        "7345112": "negative",
        "0719925": "large",
    }
    windows = (LONG[at : at + 8] for at in range(len(LONG) - 7))
    return {**found, **dict.fromkeys(windows, "a part of long")}


def without_armour(text: str) -> list[str]:
    """Return the lines of a text but the first and last ones of PEM files, which are no secret."""
    return [
        line
        for line in text.splitlines()
        if not re.fullmatch(r"[ ']*-----(BEGIN|END) [A-Z ]+-----'?", line, re.IGNORECASE)
    ]


def _core(form: str) -> str:
    """Return a printed form without what may stand around it."""
    return form.strip().removeprefix("deeply:").removeprefix("nested:").strip("\"'|->[] ")


class LeakingApplication(Repository):
    """The application `shop` on the cluster `dev`, and runs of cmp on it that are searched for its secrets."""

    def __init__(self, sandbox: Sandbox, sealed: Mapping[str, bytes], needles: Mapping[str, str]) -> None:
        super().__init__(on(NONE, sandbox))  # what programs note of their call, the sandbox would not let them write
        self.needles = needles
        self.write({f"{APP}/Chart.yaml": CHART, **sealed})
        self.write_app({"cmp-app.yaml": "secrets: {files: [files/token.key]}\n"})
        self._make_store()

    def template(self, text: str) -> None:
        """Make this the chart's only template."""
        self.write({f"{APP}/templates/all.yaml": text})

    def _make_store(self) -> None:
        real, self.store = self.sandbox.tools_dir, self.sandbox.folder / "store"
        self.sandbox.tools_dir = str(self.store)
        for name, version in (*(("helm", version) for version in HELMS), ("sops", SOPS_VERSION)):
            program = self._program(name, version)
            program.parent.mkdir(parents=True)
            (program.parent / "real").symlink_to(f"{real}/{name}/{version}/{name}")
            self.install(name, RECORDER, version)

    def _program(self, name: str, version: str) -> Path:
        return self.store / name / version / name

    def install(self, name: str, script: str, version: str = "") -> None:
        """Put a program in the place of a tool, which lies beside it as `real`."""
        program = self._program(name, version or (SOPS_VERSION if name == "sops" else DEFAULT_HELM))
        program.write_text(script)
        program.chmod(0o755)
        toolstore.write(str(program.parent), toolstore.describe(str(program), "go", "recorder"))

    def run_checked(self, *argv: str, helm: str = DEFAULT_HELM, **env: str) -> Ran:
        """Run `cmp render`, or another verb, and look for leaks."""
        verb, *options = argv or ("render",)
        ran = self.sandbox.run(
            *(verb, "shop", "--cluster", "dev", "--helm-version", helm, *options), cwd=self.root, timeout=120, **env
        )
        self.check(ran.stderr)
        return ran

    def generate_checked(self, **env: str) -> Ran:
        """Run `cmp generate` as Argo CD does, and look for leaks."""
        source = "clusters/dev/shop"
        argo = {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_NAMESPACE": "shop", "ARGOCD_APP_SOURCE_PATH": source}
        ran = self.sandbox.run("generate", cwd=self.root / source, timeout=120, **argo, **env)
        self.check(ran.stderr)
        return ran

    def patched(self, program: str) -> dict[str, str]:
        """Return the environment of a run in which this Python runs first."""
        folder = self.sandbox.folder / "patch"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(program)
        return {"PYTHONPATH": f"{folder}:{CHECKOUT}"}

    def check(self, stderr: str) -> None:
        """Assert that no secret is in stderr, in a file, in an argument or in an environment."""
        assert self.leaks_in(stderr) == []
        assert list(self.sandbox.tmp.glob("*")) == []
        seen = list(self.store.rglob("*.seen"))
        assert not seen or b"/dev/" in b"".join(path.read_bytes() for path in seen)
        for path in (path for path in self.sandbox.folder.rglob("*") if not path.is_symlink()):
            content = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
            assert self.leaks_in(f"{path}\n{content}") == [], path

    def leaks_in(self, text: str) -> list[str]:
        """Name the secrets that can be read in a text."""
        return sorted({f"{name}: {form}" for form, name in self.needles.items() if form in text})
