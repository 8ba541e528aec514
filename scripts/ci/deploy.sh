#!/usr/bin/env bash
# Deploys one environment: waits until Elastic Beanstalk takes a deployment, which it does not during a managed update;
# deploys; waits until the environment is Green, because CloudFormation waits for Ready only. Fails with the reason.
set -euo pipefail
cd "$(dirname "$0")/../.."

environment=$1
beanpole=${BEANPOLE:-.beanpole/bin/beanpole}
stack=$(node -p 'JSON.parse(require("fs").readFileSync("cdk.json", "utf8")).context.beanpole.application')-$environment-web
report=$(mktemp)
trap 'rm -f "$report"' EXIT

fail() { # fail WHAT: with the verdict of the last report, if there is one
	local verdict
	verdict=$(grep '^verdict: ' "$report" | tail -n 1) || verdict=$(tail -n 1 "$report")
	printf '::error title=%s::%s\n' "$1" "${verdict#verdict: }"
	{
		printf '### %s: %s\n\n``````\n' "$environment" "$1"
		cat "$report"
		printf '``````\n'
	} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
	exit 1
}

# What follows prints to the log as it happens, and its output is kept for the reason.
"$beanpole" status --stack "$stack" --wait=ready --timeout "${READY_TIMEOUT:-60m}" 2>&1 | tee "$report" ||
	fail "$environment takes no deployment"
if ! npx cdk deploy "$stack" --require-approval never --progress events; then
	"$beanpole" status --stack "$stack" >"$report" 2>&1 || true
	cat "$report"
	fail "cdk deploy $stack has failed"
fi
"$beanpole" status --stack "$stack" --wait --timeout "${GREEN_TIMEOUT:-20m}" 2>&1 | tee "$report" ||
	fail "$environment is deployed, but not green"
