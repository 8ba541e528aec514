#!/usr/bin/env bash
# Rehearses the health check of every environment in cdk.out. The verdicts, in one line, are the output "line" of the step;
# exit code 1 if one of them is bad. Each is also a page in the directory REPORTS, if that is set.
set -euo pipefail
beanpole=${BEANPOLE:-.beanpole/bin/beanpole}

assembly=cdk.out
status=0 line=
[ -z "${REPORTS:-}" ] || mkdir -p "$REPORTS"
for template in "$assembly"/*.template.json; do
	grep -q '"AWS::ElasticBeanstalk::Environment"' "$template" || continue
	stack=$(basename "$template" .template.json)
	log=$(mktemp)
	code=0
	"$beanpole" rehearse --environment "$stack" "$assembly" ${REPORTS:+--report "$REPORTS/$stack.html"} 2>&1 </dev/null | tee "$log" || code=$?
	verdict=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-300)
	verdict=${verdict#verdict: }
	rm -f "$log"
	if [ "$code" != 0 ]; then
		status=1
		printf '::error title=%s::%s\n' "$stack" "$verdict"
	fi
	line+="${line:+; }$stack $verdict"
done
printf 'line=%s\n' "$line" >>"$GITHUB_OUTPUT"
exit "$status"
