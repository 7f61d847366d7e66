"""Run `cmp generate` in this process and report what cannot be seen from outside, as one JSON line on stderr."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

started = float(sys.argv[1])  # time.monotonic() of the parent: one clock for the whole machine
first_child: list[float] = []
real_popen = subprocess.Popen


class Popen(real_popen):  # type: ignore[type-arg]
    """Note when the first child starts."""

    def __init__(self, *args: object, **options: object) -> None:
        first_child.append(time.monotonic())
        super().__init__(*args, **options)  # type: ignore[call-overload]


subprocess.Popen = Popen  # type: ignore[misc]

from cmp.cli.main import main  # noqa: E402  # the import is part of what is measured

status = main(["generate"])
report = {
    "first_child_ms": (first_child[0] - started) * 1000 if first_child else None,
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "modules": len(sys.modules),
}
sys.stderr.write(json.dumps(report) + "\n")
sys.exit(status)
