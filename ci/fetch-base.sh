#!/bin/sh
# Have NAME/BRANCH here, and the commit that it and HEAD both come from: fetch-base.sh NAME BRANCH [URL]
# NAME is a remote, or stands for URL.  A clone with the whole history needs no fetch; a shallow one is completed, once.
set -eu
. "$(dirname "$0")/repository.sh"
base=refs/remotes/$1/$2
remote=${3:-$1}
refspec=+refs/heads/$2:$base

has_merge_base() { git merge-base "$base" HEAD >/dev/null 2>&1; }

has_merge_base && exit 0
git fetch --quiet --no-tags --no-recurse-submodules "$remote" "$refspec"
has_merge_base && exit 0
[ "$(git rev-parse --is-shallow-repository)" = false ] ||
	git fetch --quiet --no-tags --no-recurse-submodules --unshallow "$remote" "$refspec"
has_merge_base && exit 0
echo "fetch-base: $2 and the commit checked out have no common commit" >&2
exit 1
