#!/usr/bin/env python3
"""Tell a GitHub job what `diff.sh` found: `outcome.py FOLDER` appends to its outputs and to its summary.

Run it with `python3 -Es`: the working directory and the variables of Python belong to somebody else.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

SUMMARY = 1_000_000  # bytes: GitHub drops a summary above 1 MiB
CUT = "see the job summary or the HTML page"  # what a comment that was cut refers to


def main(folder: str) -> None:
    """Read the views of a report, and write outputs and summary."""
    report = json.loads(read(folder, "report.json"))
    markdown, text = read(folder, "report.md"), read(folder, "report.txt")
    environ = os.environ  # noqa: TID251  # no part of cmp
    append(environ["GITHUB_OUTPUT"], outputs(report, verdict=text.partition("\n")[0]))
    append(environ["GITHUB_STEP_SUMMARY"], summary(markdown, text))


def outputs(report: dict[str, Any], verdict: str) -> str:
    """Return the outputs, one a line; none of them holds a text of the repository."""
    judgement = report["judgement"]
    values = {
        "changed": json.dumps(judgement["has_changes"]),
        "clusters": len(judgement["clusters"]),
        "verdict": verdict,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def summary(markdown: str, text: str) -> str:
    """Return the Markdown, and below it everything as text where the Markdown was cut: as much as a summary takes."""
    if CUT not in markdown:
        return markdown
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    opening, closing = f"{markdown}\n#### Everything\n\n{fence}text\n", f"\n{fence}\n"
    room = SUMMARY - len((opening + closing).encode())
    return opening + text.encode()[:room].decode(errors="ignore") + closing


def read(folder: str, name: str) -> str:
    """Return a view of the report."""
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def append(path: str, text: str) -> None:
    """Add to one of the files that the runner reads."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1])
