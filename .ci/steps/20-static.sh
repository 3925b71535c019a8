# Form and static analysis: gofmt, vet, a tidy go.mod, staticcheck.
set -uo pipefail
failed=0

files=$(git ls-files -z '*.go' | xargs -0 -r gofmt -l)
if [[ -n $files ]]; then
	echo "gofmt would change:"
	echo "$files"
	failed=1
fi
go vet ./... || failed=1
go mod tidy -diff || failed=1
go install honnef.co/go/tools/cmd/staticcheck@v0.8.1 || exit 1
staticcheck ./... || failed=1
((failed == 0)) && echo "gofmt, vet, tidy and staticcheck have nothing to say"
exit "$failed"
