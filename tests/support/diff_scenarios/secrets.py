"""Secrets change, or only seem to; with the keys and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import APP, COMMON, shop_with_secrets, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

TWO = ("dev-1", "prod-tokyo")


@story("Encrypted anew, the same plaintext: with the key there is no difference.", code=0)
def secret_rotated(repo: Monorepo) -> Iterator[None]:
    shop_with_secrets(repo, *TWO)
    yield
    repo.seal_login()


@story("Without the key nobody can tell a new data key from a new password, and the report says so.", "--keyless")
def secret_rotated_keyless(repo: Monorepo) -> Iterator[None]:
    repo.has_keys = False
    shop_with_secrets(repo, *TWO)
    yield
    repo.seal_login()


@story("Another password: in a Secret and in the address that a ConfigMap holds.")
def secret_changed(repo: Monorepo) -> Iterator[None]:
    shop_with_secrets(repo, *TWO)
    yield
    repo.seal_login(password="tr0ub4dor-and-3")


@story("Another password, and only its line of the file is encrypted anew.", "--keyless")
def secret_changed_keyless(repo: Monorepo) -> Iterator[None]:
    repo.has_keys = False
    shop_with_secrets(repo, *TWO)
    yield
    repo.reseal("password", "tr0ub4dor-and-3")


@story("A template starts to print the password where it was not before.")
def secret_moved_into_clear_text(repo: Monorepo) -> Iterator[None]:
    shop_with_secrets(repo, *TWO)
    yield
    repo.edit(f"{APP}/templates/config.yaml", "  level:", "  dsn: shop:{{ .Values.db.password }}@db\n  level:")


@story("Without the key, a change beside the secrets reads as always.", "--keyless")
def keyless_change_of_something_else(repo: Monorepo) -> Iterator[None]:
    repo.has_keys = False
    shop_with_secrets(repo, *TWO)
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story(
    "A chart that reads the secret as JSON cannot do so with a stand-in: that is no error of the change.",
    "--keyless",
    code=0,
)
def keyless_chart_that_parses_a_secret(repo: Monorepo) -> Iterator[None]:
    repo.has_keys = False
    shop_with_secrets(repo, *TWO)
    repo.edit(f"{APP}/templates/login.yaml", "{{ .Values.db.user | b64enc }}", "{{ mustFromJson .Values.db.user }}")
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")
