#!/bin/sh
# Runs the CDK app; builds it first if a source is newer than the program, which asking `go build` would cost every synth
# a third of a second.
set -eu
cd "$(dirname "$0")/.."
app=.beanpole/bin/app
if [ ! -x "$app" ] || [ -n "$(find main.go go.mod go.sum stacks constructs internal/suggest internal/template -newer "$app" ! -name '*_test.go' ! -path '*/testdata/*' -print -quit)" ]; then
	mkdir -p .beanpole/bin
	go build -o "$app" .
fi
exec "$app"
