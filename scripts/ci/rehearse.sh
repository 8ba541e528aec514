#!/usr/bin/env bash
# Rehearses the health check of every environment in cdk.out. The verdicts, in one line, are the output "line" of the step;
# exit code 1 if one of them is bad. Each is also a page in the directory REPORTS, if that is set.
set -euo pipefail
beanpole=${BEANPOLE:-.beanpole/bin/beanpole}

assembly=cdk.out
status=0 line=
[ -z "${REPORTS:-}" ] || mkdir -p "$REPORTS"

# rehearse NAME: one environment, by the name of its stack or its construct path.
rehearse() {
	local name=$1 log code=0 verdict
	log=$(mktemp)
	"$beanpole" rehearse --environment "$name" "$assembly" ${REPORTS:+--report "$REPORTS/${name//\//-}.html"} 2>&1 </dev/null | tee "$log" || code=$?
	verdict=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-300)
	verdict=${verdict#verdict: }
	rm -f "$log"
	if [ "$code" != 0 ]; then
		status=1
		printf '::error title=%s::%s\n' "$name" "$verdict"
	fi
	line+="${line:+; }$name $verdict"
}

for template in "$assembly"/*.template.json; do
	grep -q '"AWS::ElasticBeanstalk::Environment"' "$template" || continue
	# A web server and its worker may be in one stack. Logical ids would not do: they are the same in the next stack.
	paths=$(jq -r '.Resources[] | select(.Type == "AWS::ElasticBeanstalk::Environment") | .Metadata["aws:cdk:path"] // empty | rtrimstr("/Resource")' "$template")
	if [ "$(wc -l <<<"$paths")" = 1 ]; then
		rehearse "$(basename "$template" .template.json)"
		continue
	fi
	while read -r path; do
		rehearse "$path"
	done <<<"$paths"
done
printf 'line=%s\n' "$line" >>"$GITHUB_OUTPUT"
exit "$status"
