#!/usr/bin/env bash
# Ends the job as the comparison has ended: CODE is its exit code, VERDICT its one line.
set -euo pipefail
case $CODE in
0) ;;
1) printf '::error title=beanpole diff::%s\n' "$VERDICT" ;;
*) printf '::error title=beanpole diff::%s: see the step before\n' "$VERDICT" ;;
esac
exit "$CODE"
