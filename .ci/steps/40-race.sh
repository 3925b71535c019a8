# The tests once more, with the race detector.
set -uo pipefail

log=$CI_WORK/race.log
CGO_ENABLED=1 go test -race -count=1 -timeout 20m ./... | tee "$log"
code=${PIPESTATUS[0]}
((code == 0)) || exit "$code"
grep -q '^ok  ' "$log" || { echo "no test ran"; exit 1; }
