#!/bin/sh
# Fetches one revision of a repository into the workspace. Inputs are environment variables, so that
# they are never interpreted as part of this script.
set -eu
case "$REVISION" in
-*)
	echo "invalid revision $REVISION: must not begin with a hyphen" >&2
	exit 1
	;;
esac
cd "$CHECKOUT"
# Remove files of previous runs in this workspace.
find . -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf -- {} +
git init --quiet .
git fetch --quiet --tags -- "$URL" HEAD '+refs/heads/*:refs/remotes/origin/*'
if [ -z "$REVISION" ]; then
	git checkout --quiet --detach FETCH_HEAD
elif git rev-parse --quiet --verify "refs/remotes/origin/$REVISION" >/dev/null; then
	git checkout --quiet --detach "refs/remotes/origin/$REVISION"
else
	git checkout --quiet --detach "$REVISION" --
fi
