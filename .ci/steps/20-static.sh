# Form and static analysis: gofmt, vet, a tidy go.mod, staticcheck.
set -uo pipefail
failed=0

if ! files=$(gofmt -l .) || [[ -n $files ]]; then
	echo "gofmt would change:"
	echo "$files"
	failed=1
fi
go vet ./... || failed=1
if ! diff=$(go mod tidy -diff 2>&1); then
	echo "go.mod or go.sum is not tidy (go mod tidy mends it):"
	head -n 30 <<<"$diff"
	failed=1
fi
go install honnef.co/go/tools/cmd/staticcheck@v0.8.1 || exit 1
staticcheck ./... || failed=1
((failed == 0)) && echo "gofmt, vet, tidy and staticcheck have nothing to say"
exit "$failed"
