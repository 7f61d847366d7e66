"""`cmp completion`: the script for a shell; and the candidates, for which that script calls cmp again.

A shell asks by the variable `_CMP_COMPLETE`, with the command line up to the cursor.  The answer has a line for each
candidate, `KIND<tab>VALUE<tab>HELP`:

    plain  a whole word
    part   the beginning of a word, behind which more is typed
    file   ask for a file; VALUE is what the word has before the path
    dir    ask for a folder, likewise

A name that some shell would read as more than a plain word is no candidate: a folder may be named `$(reboot)`.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING

import click
from click.shell_completion import ShellComplete

from cmp.cli import Output
from cmp.cli.io import example
from cmp.cli.shells import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.shell_completion import CompletionItem

    from cmp.environ import CompletionRequest

COMMANDS = ("cmp", "argocd-cmp")
VARIABLE = "_CMP_COMPLETE"
PATHS = ("file", "dir")
_PLAIN_WORD = re.compile(r"[\w./@:+,=-]+")


@click.command(epilog=example('eval "$(cmp completion bash)"'))
@click.argument("shell", type=click.Choice([*SCRIPTS]))
def command(shell: str) -> Output:
    r"""Print the script that lets your shell complete command lines of cmp.

    It knows the applications, clusters, pinned and installed versions and formats of the repository that you are in.

    \b
    bash, in ~/.bashrc:  eval "$(cmp completion bash)"
    zsh, in ~/.zshrc:    autoload -Uz compinit && compinit
                         eval "$(cmp completion zsh)"
    fish, once:          cmp completion fish > ~/.config/fish/completions/cmp.fish
    """
    name = os.path.basename(sys.argv[0])
    return Output(SCRIPTS[shell].replace("PROGRAM", name if name in COMMANDS else COMMANDS[0]).encode())


def answer(request: CompletionRequest) -> bytes:
    """Return the lines for a shell; any error means that there is no candidate."""
    from cmp.cli import commands  # noqa: PLC0415  # which imports this module to run `cmp completion`

    args, word = _split(request.line)
    option, equals, _ = word.partition("=") if word.startswith("--") and "--" not in args else ("", "", "")
    start = f"{option}{equals}"
    items = ShellComplete(commands.cmp, {}, COMMANDS[0], VARIABLE).get_completions(args, word)
    return "".join(_lines(items, start if equals else "", word, request.replaced)).encode()


def _lines(items: list[CompletionItem[str]], start: str, word: str, replaced: str) -> Iterator[str]:
    """Yield the lines of the candidates that begin with `word`, without what the shell keeps of it."""
    kept = len(word.removesuffix(replaced)) if replaced else 0
    for item in items:
        text = f"{start}{item.value}"
        if item.type in PATHS:
            yield f"{item.type}\t{text}\t\n"
        elif text.startswith(word) and _PLAIN_WORD.fullmatch(text):
            yield f"{item.type}\t{text[kept:]}\t{item.help or ''}\n"


def _split(line: str) -> tuple[list[str], str]:
    """Return the arguments of a command line and the word at its end, which may be empty or have an open quote."""
    lexer = shlex.shlex(f"{line}|", posix=True)  # any character: with it, the last word is never empty
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words += lexer
    except ValueError:  # an open quote
        words.append(lexer.token)
    return words[1:-1], words[-1][:-1]
