#!/bin/sh
# The Git repository around the working directory, for scripts that source this: `top` is its folder, `git` runs there.
# The working directory belongs to the change.  A branch that commits HEAD, config, objects/ and refs/ makes its folder a
# bare repository to git, which runs what that config names.  So git is never asked where it is: it runs in the folder
# with the repository's own .git, a name that no commit can have, and takes no bare repository that it finds.
here=$(pwd -P)
top=$here
while [ ! -e "$top/.git" ]; do
	case $top in
	"" | /)
		echo "$(basename "$0" .sh): there is no Git repository around $here: check out with git" >&2
		exit 1
		;;
	esac
	top=${top%/*}
done
top=${top:-/}

git() {
	command git -C "$top" -c safe.bareRepository=explicit -c core.fsmonitor=false -c core.hooksPath=/dev/null "$@"
}
