# Nothing here is needed to use Syndicate: `go run ./cmd/syndicate run` is enough.
FUZZTIME ?= 30s
PKG      ?= ./...

.PHONY: build test proof lint fuzz bench golden man screenshots clean

build: ## the program, ./syndicate
	go build -trimpath -o syndicate ./cmd/syndicate

# FEEDVALIDATOR=DIR adds the W3C's validator of feeds (docs/feeds.md).
test: ## skips what needs databases, a browser, other people's readers and the like where they are missing; CI does not
	go test $(PKG)

proof: ## kills processes as often as the promise of delivery says; takes half an hour
	go test -count=1 -timeout 2h -v ./internal/proof -rounds 20 -recipients 5000 -outage 30s -slack 0

lint: ## what CI checks before the tests
	.ci/run tidy format vet staticcheck lint

fuzz: ## every fuzz target for FUZZTIME
	@grep -rE --include='*_test.go' '^func Fuzz' cmd internal | \
	sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | \
	while read -r dir name; do \
		echo "$$dir $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$dir" || exit 1; \
	done

bench:
	go test -run '^$$' -bench . -benchmem $(PKG)

golden: ## rewrites the expected files of the packages that have an -update flag; read the diff
	go test $$(grep -rlE --include='*_test.go' '"update"' cmd internal | xargs -n1 dirname | sort -u | sed 's|^|./|') -update

man: ## the man page and the shell completions, from the commands
	go generate ./cmd/...

screenshots: ## docs/digest.png, taken in Chromium
	SYNDICATE_SCREENSHOTS=$(CURDIR)/docs go test -count=1 -run Screenshot ./internal/web

clean: ## what can be built again; never data/, which holds the store
	rm -rf syndicate public
