#!/bin/sh
# Install this copy of cmp into FOLDER, a virtual environment, from packages that are known by their hashes alone:
# install.sh FOLDER.  What judges rendered objects comes with it: a repository with `checks` asks for that in reports, too.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python3 -I -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: actions/setup-python")'
python3 -I -m venv "$1"
"$1/bin/pip" --quiet --disable-pip-version-check install --require-hashes --only-binary :all: \
	--requirement "$here/requirements/build.txt" --requirement "$here/requirements/check.txt"
"$1/bin/pip" --quiet --disable-pip-version-check install --no-deps --no-build-isolation "$here"
