#!/bin/sh
# Make sure that programs are there: need.sh PROGRAM=DEBIAN_PACKAGE...
set -eu

missing=
for pair; do
	command -v "${pair%%=*}" >/dev/null || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of packages
	DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing >/dev/null
else
	echo "make: please install:$missing" >&2
	exit 1
fi
