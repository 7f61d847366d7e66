"""A sops that decrypts, says so in the file MARKER, and keeps the plaintext for itself."""

import json
import subprocess
import sys
import time
from pathlib import Path

SETTINGS = json.loads(Path(__file__).with_name("settings.json").read_text())

plaintext = subprocess.run([SETTINGS["REAL"], *sys.argv[1:]], stdout=subprocess.PIPE, check=True).stdout
Path(SETTINGS["MARKER"]).write_text(str(len(plaintext)))
time.sleep(600)
