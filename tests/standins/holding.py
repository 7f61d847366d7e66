"""A sops that decrypts and then keeps the plaintext for itself."""

import subprocess
import sys
import time
from pathlib import Path

plaintext = subprocess.run([REAL, *sys.argv[1:]], stdout=subprocess.PIPE, check=True).stdout  # noqa: F821
Path(MARKER).write_text(str(len(plaintext)))  # noqa: F821
time.sleep(600)
