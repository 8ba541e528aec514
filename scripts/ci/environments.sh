#!/usr/bin/env bash
# Prints the environments that deploy.yml deploys, as an output of a step: all of cdk.json in their order, or the one that is
# asked for; none while beanpole.github is not configured.
set -euo pipefail
cd "$(dirname "$0")/../.."

node - "${1-}" <<'JS'
const { beanpole } = JSON.parse(require("fs").readFileSync("cdk.json", "utf8")).context;
const only = process.argv[2];
const all = Object.keys(beanpole.environments);
if (only && !all.includes(only)) {
  console.error(`cdk.json has no environment ${JSON.stringify(only)}; it has ${all.join(", ")}`);
  process.exit(1);
}
if (!beanpole.github) console.error("beanpole.github is not configured: nothing is deployed");
console.log("environments=" + JSON.stringify(beanpole.github ? all.filter((id) => !only || id === only) : []));
JS
