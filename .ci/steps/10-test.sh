# The README's test command, as it is printed there.
set -uo pipefail

command='go test ./...'
grep -qF "$command" README.md || { echo "README.md does not name the test command: $command"; exit 1; }

log=$CI_WORK/test.log
GOFLAGS="$GOFLAGS -count=1" $command | tee "$log"
code=${PIPESTATUS[0]}
passed=$(grep -c '^ok  ' "$log")
echo "$passed packages with tests passed"
((code == 0)) || exit "$code"
((passed > 0)) || { echo "no test ran"; exit 1; }
if grep -q 'no tests to run' "$log"; then
	echo "a package has test files without tests"
	exit 1
fi
