"""An interactive shell at a pseudo terminal, which completes a command line as a person types it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHELLS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
TAB, TO_START, TO_END = "\t", "\x01", "\x05"
# A key that puts every candidate into the line.
BASH_KEYS = r"""bind 'set enable-bracketed-paste off' '"\C-xa": insert-completions'"""
ZSH_KEYS = """\
bindkey -e; autoload -Uz compinit && compinit -u -D; setopt no_beep
zle -C all-matches complete-word _generic; bindkey '^Xa' all-matches
zstyle ':completion:all-matches:*' insert true; zstyle ':completion:all-matches::::' completer _all_matches _complete
"""
KEYS = {"bash": BASH_KEYS, "zsh": ZSH_KEYS}
STUCK_SECONDS = 30.0
EVERY = "\x18a"


class Terminal:
    """A shell with the completion of cmp, in a working directory; each line is typed into a new one."""

    def __init__(self, shell: str, cwd: Path, env: Mapping[str, str]) -> None:
        self._shell = shell
        self._cwd = cwd
        self._env = {**env, "TERM": "vt100", "COLUMNS": "400", "LANG": "C.UTF-8"}
        self.screen = ""

    def words(self, line: str, key: str = TAB) -> list[str]:
        """Type a line and a key; return the words that the shell then reads in the line, after the command."""
        found = self._cwd / ".words"
        ending = "printf '%s\\n' "
        typed = [KEYS[self._shell], f'eval "$(cmp completion {self._shell})"']
        self.screen = self._type([*typed, f"{line}{key}{TO_START}{ending}{TO_END} > .words", "exit 0"])
        words = found.read_text("utf-8").splitlines()
        found.unlink()
        return words[1:]

    def _type(self, lines: Sequence[str]) -> str:
        """Type all lines at once, and return all that the shell shows until it ends."""
        ours, its = pty.openpty()
        try:
            shell = subprocess.Popen(
                SHELLS[self._shell],
                cwd=self._cwd,
                env=self._env,
                stdin=its,
                stdout=its,
                stderr=its,
                start_new_session=True,
            )
            os.close(its)
            os.write(ours, "".join(f"{line}\r" for line in lines).encode())
            shown = bytearray()
            with suppress(OSError):  # the other end is closed
                while select.select([ours], [], [], STUCK_SECONDS)[0] and (data := os.read(ours, 65536)):
                    shown += data
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
            assert shell.wait() == 0, shown.decode()
        finally:
            os.close(ours)
        return shown.decode()
