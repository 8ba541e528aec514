#!/usr/bin/env bash
# Compares two sets of templates for a pull request. What it finds becomes a comment, which it prepares and somebody else
# writes; the exit code of the comparison is an output, so that the comment is there before the job fails.
#   BASE, HEAD, APP, FAIL_ON, ACCEPTED, NAME, REHEARSAL, NUMBER   the inputs of action.yml, and the pull request's number
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
if [ -z "${BEANPOLE-}" ]; then
	BEANPOLE=$RUNNER_TEMP/beanpole
	go build -C "$here" -o "$BEANPOLE" ./cmd/beanpole
fi
case $NAME in *[!A-Za-z0-9-]*)
	echo "::error::name: $NAME: use letters, digits and hyphens"
	exit 1
	;;
esac
[ "$ACCEPTED" != true ] || FAIL_ON=none

directory=$(mktemp -d "$RUNNER_TEMP/beanpole-diff-XXXXXX")
comment=$directory/comment.md
whole=$(mktemp) errors=$(mktemp) report=$(mktemp)
code=0
"$BEANPOLE" diff --base "$BASE" --head "$HEAD" ${APP:+--app "$APP"} ${NAME:+--name "$NAME"} --fail-on "$FAIL_ON" \
	${REHEARSAL:+--rehearsal "$REHEARSAL"} --comment "$comment" --overflow "$whole" --overflow-at "the summary of the job has all of them" 2>"$errors" >"$report" || code=$?
cat "$report"
cat "$errors" >&2
verdict=$(head -n 1 "$report" | cut -c 1-300)
if [ ! -s "$comment" ]; then
	verdict="The templates cannot be compared"
	# shellcheck disable=SC2016 # Markdown
	printf '<!-- beanpole diff %s -->\n**%s.**\n\n``````\n%s\n``````\n' "$NAME" "$verdict" "$(tail -n 20 "$errors" | tr -d '`' | cut -c 1-1000)" >"$comment"
fi
[ "$ACCEPTED" != true ] || printf '\nA label accepts what this does.\n' >>"$comment"
if [ -s "$whole" ]; then cat "$whole"; else cat "$comment"; fi >>"$GITHUB_STEP_SUMMARY"
printf '%s\n' "${NUMBER-}" >"$directory/number"
rm -f "$whole" "$errors" "$report"
{
	printf 'code=%s\n' "$code"
	printf 'verdict=%s\n' "$verdict"
	printf 'comment=%s\n' "$comment"
	printf 'directory=%s\n' "$directory"
	printf 'artifact=beanpole-diff%s\n' "${NAME:+-$NAME}"
} >>"$GITHUB_OUTPUT"
