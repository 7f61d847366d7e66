#!/bin/sh
# Compare, and leave all views of the result in a folder: diff.sh FOLDER [OPTION OF cmp diff]...
# The exit code goes to FOLDER/code: whoever called this publishes the report first and then ends with the code.
# Where there is no report, this ends with the code itself.
set -u
folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder"
code=0
cmp diff --exit-zero --output "markdown=$folder/report.md" --output "html=$folder/report.html" \
	--output "json=$folder/report.json" "$@" >"$folder/report.txt" || code=$?
[ -s "$folder/report.txt" ] || exit "$code"
echo "$code" >"$folder/code"
