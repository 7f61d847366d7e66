"""Run cmp, and let a signal arrive just before a function of it is called: `struck.py module:function signal argv…`."""

import os
import sys
from functools import reduce, wraps
from importlib import import_module

from cmp.__main__ import entry

TARGET, SIGNUM, *ARGV = sys.argv[1:]
module, _, path = TARGET.partition(":")
*outer, name = path.split(".")
owner = reduce(getattr, outer, import_module(module))
function = getattr(owner, name)


@wraps(function)
def struck(*arguments: object, **options: object) -> object:
    """Take the signal, then do what the function does."""
    os.kill(os.getpid(), int(SIGNUM))
    return function(*arguments, **options)


setattr(owner, name, struck)
sys.argv = ["cmp", *ARGV]
entry()
