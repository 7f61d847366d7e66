"""`cmp schema`: the JSON Schema of a configuration file, and of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp import report
from cmp.cli.io import as_json, example
from cmp.engines import ENGINES
from cmp.report import findings
from cmp.repository.config import APP_FILE, FILE, keys
from cmp.schema import jsonschema

if TYPE_CHECKING:
    from cmp.cli import Output


@click.command(epilog=example("cmp schema cmp.yaml > cmp.schema.json"))
@click.argument("file", type=click.Choice([FILE, APP_FILE, "inventory", "report", "check"]), default=FILE)
def command(file: str) -> Output:
    """Print the JSON Schema (draft 2020-12) of FILE for editors and CI; without FILE that of cmp.yaml.

    `inventory` is the file that `clusters: {file: …}` of cmp.yaml names, `report` what `cmp diff --format json` prints,
    `check` what `cmp check --format json` prints.
    Many editors use a schema that the first line of a file names: `# yaml-language-server: $schema=cmp.schema.json`.
    """
    engines = {name: traits.options for name, traits in ENGINES.items()}
    schemas = {
        FILE: lambda: jsonschema.document(FILE, keys.repository(engines)),
        APP_FILE: lambda: jsonschema.document(APP_FILE, keys.application(engines)),
        "inventory": lambda: jsonschema.document("inventory", keys.INVENTORY),
        "report": report.schema,
        "check": findings.schema,
    }
    return as_json(schemas[file]())
