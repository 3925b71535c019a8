# Every benchmark compiles and runs once, and so does the end-to-end benchmark,
# small. Nothing is judged here: a shared machine's figures mean little.
set -uo pipefail

log=$CI_WORK/bench.log
go test -run '^$' -bench . -benchtime 1x -timeout 15m ./... >"$log" 2>&1
code=$?
grep -E '^(Benchmark|FAIL|panic|---)' "$log"
if ((code != 0)); then
	cat "$log"
	exit "$code"
fi
count=$(grep -cE '^Benchmark.* ns/op' "$log")
echo "$count benchmarks"
((count > 0)) || { echo "no benchmark ran"; exit 1; }

timeout 600 entente bench --quick
