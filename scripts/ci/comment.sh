#!/usr/bin/env bash
# Writes the comments that a run of diff.yml has prepared: one for each set of stacks, written anew every time.
#   RUN, SHA     the run and the commit that it ran for
#   REPOSITORY   owner/name
# What the run left was made by code of the pull request, which may be a stranger's: here it is data. Only the pull request
# whose newest commit the run was for can be commented.
set -euo pipefail

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
if ! gh run download "$RUN" --repo "$REPOSITORY" --pattern 'beanpole-diff*' --dir "$directory"; then
	echo "::notice::the run has left no comparison"
	exit 0
fi
marker='^<!-- beanpole diff [A-Za-z0-9-]* ?-->$'
for artifact in "$directory"/*/; do
	comment=${artifact}comment.md number=${artifact}number
	if [ ! -f "$comment" ] || [ -L "$comment" ] || [ ! -f "$number" ] || [ -L "$number" ]; then
		echo "::error::$(basename "$artifact") is no comparison"
		exit 1
	fi
	id=$(head -c 20 "$number" | tr -d '[:space:]')
	if ! [[ $id =~ ^[1-9][0-9]{0,9}$ ]]; then
		echo "::error::the comparison names no pull request"
		exit 1
	fi
	if [ "$(gh api "repos/$REPOSITORY/pulls/$id" --jq .head.sha)" != "$SHA" ]; then
		echo "::notice::pull request $id has another newest commit than the one that was compared"
		continue
	fi
	first=$(head -n 1 "$comment")
	if ! [[ $first =~ $marker ]] || [ "$(wc -m <"$comment")" -gt 65536 ]; then
		echo "::error::the comparison is not one that fits into a comment"
		exit 1
	fi
	# Only a comment of ours: everybody can write the marker.
	old=$(gh api --paginate "repos/$REPOSITORY/issues/$id/comments?per_page=100" |
		jq -r --arg first "$first" '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith($first))) | .id')
	old=${old%%$'\n'*}
	if [ -n "$old" ]; then
		jq -n --rawfile body "$comment" '{body: $body}' | gh api --method PATCH "repos/$REPOSITORY/issues/comments/$old" --input - --silent
	else
		jq -n --rawfile body "$comment" '{body: $body}' | gh api --method POST "repos/$REPOSITORY/issues/$id/comments" --input - --silent
	fi
done
