"""Template functions that read the machine print the same behind the wall as without it, with each helm.

These are all that sprig 3.3 and Helm add which look at a clock, a time zone, random bytes, a name, the environment, a
cluster or a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.charts import HELMS, write_chart
from tests.support.old_kernels import NONE, NOW, on

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

DAY = '(toDate "2006-01-02 15:04" "2024-03-09 23:30")'  # read in the zone of the machine
LINES = {
    "zone": f'dateInZone "2006-01-02 15:04 MST -0700" {DAY} "Asia/Tokyo"',
    "zone_in_summer": 'date_in_zone "15:04 MST" (toDate "2006-01-02" "2024-07-01") "America/New_York"',
    "zone_of_html": f'htmlDateInZone {DAY} "Pacific/Kiritimati"',
    "zone_of_the_machine": f'dateInZone "2006-01-02 15:04 MST -0700" {DAY} "Local"',
    "zone_that_is_none": f'dateInZone "15:04 MST" {DAY} "Nowhere/At_All"',
    "date": f'date "2006-01-02 15:04 MST -0700" {DAY}',
    "html": f"htmlDate {DAY}",
    "must": '(mustToDate "2006-01-02" "2024-03-10") | unixEpoch',
    "modified": f'{DAY} | dateModify "-36h" | mustDateModify "1h" | date "Mon 15:04 MST"',
    "ago": "ago now",
    "now": 'now | date "MST -0700"',
    "epoch": "now | unixEpoch | len",
    "random": 'list (randAlpha 12) (randAscii 12) (randNumeric 12) (randAlphaNum 12) | join "" | len',
    "random_number": "randInt 5 6",
    "random_bytes": "randBytes 9 | b64dec | len",
    "uuid": 'uuidv4 | regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4"',
    "shuffled": 'shuffle "aaaa"',
    "hashed": 'list (bcrypt "x" | trunc 4) (htpasswd "a" "b" | trunc 6) | join " "',
    "derived": 'derivePassword 1 "long" "a" "b" "c"',
    "encrypted": 'encryptAES "0123456789abcdef" "text" | decryptAES "0123456789abcdef"',
    "keys": 'list (genPrivateKey "ecdsa" | trunc 30) (genPrivateKey "ed25519" | trunc 27) | join " "',
    "certificate": '(genSelfSignedCert "a.example" (list "127.0.0.1") (list "b.example") 1).Cert | trunc 27',
    "signed": '(genSignedCert "a" nil nil 1 (genCA "ca" 1)).Key | trunc 31',
    "host": 'getHostByName "localhost"',
    "looked_up": 'lookup "v1" "Secret" "kube-system" "" | toJson',
    "file": '.Files.Get "files/a.txt"',
    "missing_file": '.Files.Get "/etc/passwd"',
    "file_above": '.Files.Get "../../../etc/passwd"',
    "lines": '.Files.Lines "files/a.txt" | join "+"',
    "glob": '(.Files.Glob "files/**").AsConfig',
    "secrets": '(.Files.Glob "files/*.txt").AsSecrets',
    "capabilities": "list .Capabilities.KubeVersion.Version .Capabilities.HelmVersion.Version | toJson",
    "evaluated": 'tpl "{{ .Release.Name }} {{ .Chart.Version }} {{ .Template.BasePath }}" .',
}


def write(sandbox: Sandbox, lines: dict[str, str]) -> Sandbox:
    chart = write_chart(sandbox.folder / "repo/namespaces/shop", "shop", "1.0.0")
    data = "".join(f"  {name}: {{{{ {line} | quote }}}}\n" for name, line in lines.items())
    (chart / "templates/map.yaml").write_text(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shop}}\ndata:\n{data}"
    )
    (chart / "files").mkdir()
    (chart / "files/a.txt").write_text("one\ntwo\n")
    (sandbox.folder / "repo/clusters/dev/shop").mkdir(parents=True)
    return sandbox


@pytest.mark.parametrize("zone", ["", "Australia/Eucla"])
@pytest.mark.parametrize("version", HELMS)
def test_a_template_prints_the_same_behind_the_wall(sandbox: Sandbox, version: str, zone: str) -> None:
    write(sandbox, LINES)
    sandbox.extra.update({"TZ": zone} if zone else {})
    argv = ("render", "shop", "--cluster", "dev", "--helm-version", version)
    walled, free = (on(kernel, sandbox).run(*argv, cwd=sandbox.folder / "repo") for kernel in (NOW, NONE))
    assert (walled.code, free.code) == (0, 0), walled.stderr
    assert walled.stdout == free.stdout
    assert " JST +0900" in walled.stdout  # and not UTC, which is what a program without zones prints
    assert zone == "" or "+0845" in walled.stdout


@pytest.mark.parametrize("version", HELMS)
def test_a_template_has_no_function_for_the_environment(sandbox: Sandbox, version: str) -> None:
    write(sandbox, {"home": 'env "HOME"'})
    argv = ("render", "shop", "--cluster", "dev", "--helm-version", version)
    ran = sandbox.run(*argv, cwd=sandbox.folder / "repo")
    assert (ran.code, 'function "env" not defined' in ran.stderr) == (7, True)
