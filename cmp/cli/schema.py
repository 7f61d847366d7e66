"""`cmp schema`: the JSON Schema of a configuration file, and of a report."""

from __future__ import annotations

import json

import click

from cmp import report
from cmp.cli import Output
from cmp.engines import ENGINES
from cmp.repository.config import APP_FILE, FILE, keys
from cmp.schema import jsonschema


@click.command()
@click.argument("file", type=click.Choice([FILE, APP_FILE, "inventory", "report"]), default=FILE)
def command(file: str) -> Output:
    """Print the JSON Schema (draft 2020-12) of FILE for editors and CI; without FILE that of cmp.yaml.

    `inventory` is the file that `clusters: {file: …}` of cmp.yaml names, `report` what `cmp diff --format json` prints.
    Many editors use a schema that the first line of a file names: `# yaml-language-server: $schema=cmp.schema.json`.
    """
    engines = {name: facts.options for name, facts in ENGINES.items()}
    printed = {
        FILE: lambda: jsonschema.document(FILE, keys.repository(engines)),
        APP_FILE: lambda: jsonschema.document(APP_FILE, keys.application(engines)),
        "inventory": lambda: jsonschema.document("inventory", keys.INVENTORY),
        "report": report.schema,
    }[file]()
    return Output(json.dumps(printed, indent=2, ensure_ascii=False).encode() + b"\n")
