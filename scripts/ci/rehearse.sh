#!/usr/bin/env bash
# Rehearses the health check of every environment in cdk.out. The verdicts, in one line, are the output "line" of the step;
# exit code 1 if one of them is bad, 2 if one has none. Each is also a page in the directory REPORTS, if that is set.
set -euo pipefail
beanpole=${BEANPOLE:-.beanpole/bin/beanpole}

code=0 line=
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$beanpole" rehearse --all cdk.out ${REPORTS:+--report "$REPORTS"} 2>&1 </dev/null | tee "$log" || code=$?
# One line for each environment, behind the last line "verdicts:".
while IFS= read -r verdict; do
	verdict=$(cut -c 1-300 <<<"$verdict")
	line+="${line:+; }$verdict"
	case $verdict in
	*": healthy "* | *": the app answers "*) ;;
	*) printf '::error title=%s::%s\n' "${verdict%%: *}" "${verdict#*: }" ;;
	esac
done < <(tr -d '\r' <"$log" | awk '$0 == "verdicts:" { n = 0; on = 1; next } on { lines[n++] = $0 } END { for (i = 0; i < n; i++) print lines[i] }')
if [ -z "$line" ]; then
	line=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-300)
	printf '::error title=The rehearsal::%s\n' "$line"
	[ "$code" != 0 ] || code=2
fi
printf 'line=%s\n' "$line" >>"$GITHUB_OUTPUT"
exit "$code"
