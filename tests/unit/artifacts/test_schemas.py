"""The schemas of a chart and of the charts inside it: found as Helm finds them, looked at, replaced in archives."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts import archive as archives
from cmp.artifacts.charts import schemas
from cmp.errors import ChartError

if TYPE_CHECKING:
    from pathlib import Path

REMOTE = b'{"$ref": "https://schemas.example.com/shop.json"}'
PLAIN = b'{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"$ref": "#/definitions/a"}}}'


def archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as written:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            written.addfile(member, io.BytesIO(content))
    return gzip.compress(stream.getvalue())


def content(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as read:
        return {member.name: file.read() for member in read if (file := read.extractfile(member))}


def write(folder: Path, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return str(folder)


@pytest.fixture
def cache(tmp_path: Path) -> ChartCache:
    return ChartCache(str(tmp_path / "cache"))


class TestLook:
    @pytest.mark.parametrize(
        "text",
        [
            b'{"$ref" :\n"https://example.com/a"}',
            b'{"$ref": "a.json"}',
            b'{"$ref": ""}',
            b'{"\\u0024ref": "https://example.com/a"}',
            b'{"$dynamicRef": "https://example.com/a"}',
            b'{"$schema": "https://example.com/a"}',
            b'{"$schema": "http://json-schema.org/draft-03/schema#"}',
            b'{"$schema": "http://json-schema.org/draft-07/schema#/../.."}',
            b'{"$id": "https://example.com/a#b", "$ref": "#/c"}',
            b'{"id": "https://example.com/\\"#b", "$ref": "#/c"}',
        ],
    )
    def test_what_may_refer_to_something_outside(self, text: bytes) -> None:
        assert schemas.may_refer(text)

    @pytest.mark.parametrize(
        "text",
        [
            PLAIN,
            b'{"$id": "https://example.com/a", "$ref": "#/b"}',
            b'{"$id": "https://example.com/a#", "definitions": {"a": {"$id": "#b"}}}',
            b'{"$schema": "https://json-schema.org/draft/2020-12/schema"}',
            b'{"description": "https://example.com/a", "pattern": "^(https?|file)://"}',
            b'{"properties": {"$ref": {"type": "string"}, "id": {"default": "a#b"}}}',
            b"",
        ],
    )
    def test_near_misses(self, text: bytes) -> None:
        assert not schemas.may_refer(text)

    def test_it_takes_linear_time(self) -> None:
        assert not schemas.may_refer(b'"id": "' * 200_000 + b"\\" * 200_001)


class TestReferring:
    def test_wherever_helm_looks(self, tmp_path: Path, cache: ChartCache) -> None:
        inner = archive({"c/values.schema.json": REMOTE})
        chart = write(
            tmp_path / "chart",
            {
                "values.schema.json": REMOTE,
                "charts/a/values.schema.json": REMOTE,
                "charts/a/charts/b/values.schema.json": REMOTE,
                "charts/b-1.0.0.tgz": archive({"b/values.schema.json": REMOTE}),
                "charts/d-1.0.0.tgz": archive({"d/charts/e/values.schema.json": REMOTE}),
                "charts/f-1.0.0.tgz": archive({"f/charts/c-1.0.0.tgz": inner}),
                "charts/g-1.0.0.tgz": archive({"g\\.\\values.schema.json": REMOTE}),
            },
        )
        assert schemas.referring(chart, cache) == [
            "values.schema.json",
            "charts/a/values.schema.json",
            "charts/a/charts/b/values.schema.json",
            *(f"charts/{name}-1.0.0.tgz" for name in "bdfg"),
        ]

    def test_near_misses(self, tmp_path: Path, cache: ChartCache) -> None:
        chart = write(
            tmp_path / "chart",
            {
                "values.schema.json": PLAIN,
                "files/values.schema.json": REMOTE,
                "charts/_a/values.schema.json": REMOTE,
                "charts/.b-1.0.0.tgz": b"no archive",
                "charts/README.md": REMOTE,
                "charts/c-1.0.0.tgz": archive({"c/values.schema.json": PLAIN, "c/files/values.schema.json": REMOTE}),
            },
        )
        assert schemas.referring(chart, cache) == []

    def test_an_archive_alone(self, tmp_path: Path, cache: ChartCache) -> None:
        write(tmp_path, {"a.tgz": archive({"a/values.schema.json": REMOTE}), "b.tgz": archive({"b/Chart.yaml": b""})})
        assert schemas.referring(str(tmp_path / "a.tgz"), cache) == [""]
        assert schemas.referring(str(tmp_path / "b.tgz"), cache) == []

    def test_an_archive_is_unpacked_once(
        self, tmp_path: Path, cache: ChartCache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chart = write(tmp_path / "chart", {"charts/a.tgz": archive({"a/values.schema.json": PLAIN})})
        assert schemas.referring(chart, cache) == []
        monkeypatch.delattr(archives, "repacked")
        assert schemas.referring(chart, cache) == []

    def test_what_is_no_archive(self, tmp_path: Path, cache: ChartCache) -> None:
        chart = write(tmp_path / "chart", {"charts/a.tgz": b"no archive"})
        with pytest.raises(ChartError, match=r"charts/a.tgz: this is not a chart archive \(Not a gzipped file"):
            schemas.referring(chart, cache)


class TestRepack:
    def test_schemas_are_replaced_and_nothing_else(self) -> None:
        files = {"a/Chart.yaml": b"name: a", "a/values.schema.json": REMOTE, "a/files/values.schema.json": REMOTE}
        inner = archive({"b/values.schema.json": REMOTE, "b/templates/a.yaml": b"kind: A"})
        packed = archive({**files, "a/charts/b-1.0.0.tgz": inner})
        names: list[str] = []

        def change(name: str, schema: bytes) -> bytes:
            names.append(name)
            return json.dumps({"was": len(schema)}).encode()

        found = content(archives.repacked(packed, "a-1.0.0.tgz", change))
        new = json.dumps({"was": len(REMOTE)}).encode()
        assert names == ["a-1.0.0.tgz/values.schema.json", "a-1.0.0.tgz/charts/b-1.0.0.tgz/values.schema.json"]
        assert content(found.pop("a/charts/b-1.0.0.tgz")) == {
            "b/values.schema.json": new,
            "b/templates/a.yaml": b"kind: A",
        }
        assert found == {**files, "a/values.schema.json": new}

    def test_the_same_bytes_when_nothing_changes(self) -> None:
        packed = archive({"a/values.schema.json": PLAIN})
        assert archives.repacked(packed, "a", lambda _, schema: schema) is packed

    def test_the_archives_in_an_archive_share_its_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 40_000)
        inner = archive({"b/a": bytes(25_000)})
        packed = archive({"a/charts/b.tgz": inner, "a/charts/c.tgz": inner})
        with pytest.raises(ChartError, match=r"a/charts/b\.tgz: the archive unpacks to more than"):
            archives.repacked(packed, "a", lambda _, schema: schema)

    def test_archives_in_each_other_have_an_end(self) -> None:
        packed = archive({"a/Chart.yaml": b""})
        for _ in range(12):
            packed = archive({"a/charts/a.tgz": packed})
        with pytest.raises(ChartError, match="more than 10 archives lie in each other"):
            archives.repacked(packed, "a", lambda _, schema: schema)
