# Nothing here but shorthands: everything is a go command, and .ci/run is what
# must pass before a change is merged.

.PHONY: build test race fuzz noninterference bench conform serve ci

build:
	go build -o bin/entente ./cmd/entente

test:
	go vet ./...
	go test ./...

race:
	go test -race ./...

# Every fuzz target for FUZZTIME, by full package and anchored name.
FUZZTIME ?= 10s
fuzz:
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r pkg; do \
	  for target in $$(cat $$pkg/*_test.go | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p'); do \
	    echo "$$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg | tee /dev/stderr | grep -q 'fuzz: elapsed'; \
	  done; done

# What a partner is answered does not depend on what is withheld from it: this many random stories.
STORIES ?= 5000
noninterference:
	go test ./taxii/server -count=1 -timeout 30m -run '^TestNonInterferenceLong$$' -rapid.checks=$(STORIES) -v

# Go benchmarks next to the code; make build && bin/entente bench is end to end.
bench:
	go test -run '^$$' -bench . -benchmem ./...

# The TAXII 2.1 suite against our server, on every store.
conform:
	go test -count=1 -v -run . ./taxii/taxiitest/...

serve:
	go run ./cmd/entente serve --config examples/quickstart/entente.yaml

ci:
	bash .ci/run
