"""The context of a run that starts no program."""

from __future__ import annotations

import io

import pytest

from cmp import environ
from cmp.context import Context
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline


@pytest.fixture
def context() -> Context:
    """Return the context of a run with default settings."""
    redactor = Redactor()
    settings = environ.read({"HOME": "/nonexistent"}, default_deadline=60).settings
    return Context(settings, Deadline(60), redactor, Log(io.StringIO(), redactor.mask), Phases())
