#!/usr/bin/env bash
# The main job, on this computer only: AWS on loopback, the real `cdk deploy` of every stack, a second `cdk diff` that finds
# nothing, and the rehearsal of what was deployed. `make up` calls it after the set-up.
set -euo pipefail
cd "$(dirname "$0")/.."

trap 'printf "\nInterrupted. AWS on this computer may still run: make clean stops it.\n" >&2; exit 130' INT TERM
began=$SECONDS
step() { printf '\n== %s\n' "$*"; }
aws() { beanpole local env -- "$@"; } # every AWS client below talks to the local AWS, and to nothing else

step "AWS on this computer"
beanpole local start

step "cdk bootstrap"
aws npx cdk bootstrap 2>&1

step "cdk deploy --all"
outputs=.beanpole/outputs.json
aws npx cdk deploy --all --require-approval never --progress bar --outputs-file "$outputs" 2>&1

step "cdk diff, which must find nothing now"
aws npx cdk diff --fail 2>&1

# The environments by the outputs of their stacks: stack, environment, target group, URL.
rows=$(python3 - "$outputs" <<'PY'
import json, sys
for stack, o in sorted(json.load(open(sys.argv[1])).items()):
    if "EnvironmentName" in o:
        print(stack, o["EnvironmentName"], o.get("TargetGroupARN", "none"), o.get("URL", "none"))
PY
)
status=0
while [ -n "$rows" ] && read -r stack environment group url; do
	step "beanpole rehearse --deployed $environment"
	verdict=0
	aws beanpole rehearse --cache .beanpole/rehearsal --deployed "$environment" </dev/null | tee .beanpole/rehearsal.log || verdict=$?
	[ "$verdict" = 0 ] || status=$verdict
	summary+="
environment   $environment (in $stack)
target group  $group
URL           $url (on AWS; on this computer nothing answers there)
$(sed -n 's/^verdict: /verdict       /p' .beanpole/rehearsal.log)
"
done <<<"$rows"

step "Summary, after $((SECONDS - began)) s without the set-up"
printf '\nstacks        %s\n' "$(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep=", ")' "$outputs")"
printf '%s' "${summary-no stack has an environment}"
cat <<'END'

Look further:
  .beanpole/bin/beanpole local env -- npx cdk diff                    what a change of yours would do
  npx cdk synth -q && .beanpole/bin/beanpole rehearse -e production   the health check of your checkout as it is now
  eval "$(.beanpole/bin/beanpole local env)"                          any AWS client, on this AWS
  make clean                                                          stop it and remove it
Your AWS account is `npx cdk deploy 'mysite-staging-*'`, without the local env.
END
exit "$status"
