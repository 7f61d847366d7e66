#!/bin/sh
# Install the tools that either side of a comparison pins: tools.sh BASE
# BASE may be broken, and the change its repair: cmp diff says what is wrong there.
set -eu
. "$(dirname "$0")/repository.sh"
cmp tools install

commit=$(git merge-base "$1" HEAD)
prefix=${here#"${top%/}"}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# All files of the commit, with an index of our own: the checkout stays as it is, and nothing is fetched for it.
export GIT_INDEX_FILE="$folder/index" GIT_LFS_SKIP_SMUDGE=1
git read-tree "$commit"
git checkout-index --all --prefix="$folder/tree/"
cd "$folder/tree$prefix" 2>/dev/null || exit 0 # there was no such folder yet
cmp tools install || echo "tools: the base is not complete, see above" >&2
