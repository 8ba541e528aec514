#!/usr/bin/env bash
# Rehearses the health check of every environment in cdk.out, and writes the verdicts as Markdown. Exit code 1 if one fails.
set -euo pipefail
out=$1
beanpole=${BEANPOLE:-.beanpole/bin/beanpole}

assembly=cdk.out
status=0
printf '\n### Health check, rehearsed\n\n' >"$out"
for template in "$assembly"/*.template.json; do
	grep -q '"AWS::ElasticBeanstalk::Environment"' "$template" || continue
	stack=$(basename "$template" .template.json)
	log=$(mktemp)
	code=0
	"$beanpole" rehearse --environment "$stack" "$assembly" 2>&1 </dev/null | tee "$log" || code=$?
	verdict=$(tail -n 1 "$log" | tr -d '`\r' | cut -c 1-200)
	rm -f "$log"
	if [ "$code" != 0 ]; then
		status=1
		printf '::error title=%s::%s\n' "$stack" "$verdict"
	fi
	# shellcheck disable=SC2016 # Markdown
	printf -- '- `%s`: `%s`\n' "$stack" "${verdict#verdict: }" >>"$out"
done
exit "$status"
