# make up     on this computer only: AWS on loopback, the real cdk deploy of examples/mysite, the rehearsal, the verdict
# make test   everything that is tested; sets up what it needs
# make test-full  the same with every row of the rehearsal's tests
# make check  what a commit needs: vet, pure and construct tests, the rules of imports
# make clean  stops and removes what the others started and made
# make bench  the timings of whole commands
# make aws-smoke  in your own AWS account, when AWS_SMOKE_ACCOUNT names it: what no test here can tell; removes what it makes

# What npx runs comes first, among it the Node.js that setup chose.
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.beanpole/bin:$(PATH)
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.PHONY: up test test-full check bench clean setup aws-smoke

up: setup
	@bash scripts/up.sh

test:
	@bash scripts/setup.sh tests
	@go vet ./...
	@go test ./...; code=$$?; cat .beanpole/test-namespaces 2>/dev/null; exit $$code # what go test of a package that passes keeps to itself
	@cd examples/mysite && ../../.beanpole/mysite/bin/python -W error::ResourceWarning manage.py test

test-full: export BEANPOLE_TEST_FULL := 1
test-full: test

check: setup
	@test -z "$$(gofmt -l main.go stacks constructs cmd internal test examples/importer)" || { gofmt -d main.go stacks constructs cmd internal test examples/importer; exit 1; }
	@go vet ./...
	@go test -short . ./stacks/... ./constructs/... ./cmd/... ./test/smoke $$(go list ./internal/... | grep -v /localaws) # which starts a server
	@go test -short -count=1 ./test -run '^Test(ImportsRunOneWay|ThePurePackagesImportNoCDK|TheModuleIsOneThatOthersCanImport|GoModIsTidy|TheAppIsBuiltAgainWhenASourceChanges)$$'

bench: setup
	@python3 test/bench/commands.py
	@python3 test/bench/diff.py

aws-smoke: setup
	@go build -o .beanpole/bin/smoke ./test/smoke
	@.beanpole/bin/smoke

setup:
	@bash scripts/setup.sh

clean:
	@if [ -x .beanpole/bin/beanpole ]; then .beanpole/bin/beanpole local stop; fi
	@rm -rf .beanpole cdk.out beanpole beanpole-cdk examples/importer/importer node_modules tools/node/node_modules examples/importer/cdk.out examples/mysite/static examples/mysite/staticfiles
	@find examples -name __pycache__ -type d -prune -exec rm -rf {} +
