# Each fuzz target for some seconds (FUZZ_SECONDS, 10), by full package and
# anchored name. go test passes without a word when a name matches nothing, so
# the output must say that it fuzzed.
set -uo pipefail

failed=0 count=0
while read -r package name; do
	count=$((count + 1))
	log=$CI_WORK/fuzz.log
	for try in 1 2 3; do
		go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZ_SECONDS:-10}s" -fuzzminimizetime 10x -parallel 2 "$package" >"$log" 2>&1
		code=$?
		# Before Go 1.27 a run can fail with this, and without any input that fails, only
		# because its time is up: go.dev/issue/75804. Once more, then.
		((code != 0)) && grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log" || break
		echo "once more: $package $name met the end of its time (try $try)"
	done
	last=$(grep 'fuzz: elapsed' "$log" | tail -n 1)
	execs=$(sed -En 's/.*execs: ([0-9]+).*/\1/p' <<<"$last")
	if ((code != 0)); then
		cat "$log"
		echo "FAILED $package $name"
		failed=1
	elif ((${execs:-0} == 0)); then
		cat "$log"
		echo "DID NOT FUZZ $package $name"
		failed=1
	else
		echo "ok $package $name: ${last#fuzz: }"
	fi
done < <(go list -f '{{$p := .ImportPath}}{{$d := .Dir}}{{range .TestGoFiles}}{{$p}} {{$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$p}} {{$d}}/{{.}}{{"\n"}}{{end}}' ./... |
	while read -r package file; do
		[[ -n $file ]] && sed -En "s|^func (Fuzz[A-Za-z0-9_]*)\(.*|$package \1|p" "$file"
	done)
echo "$count fuzz targets"
((count > 0)) || { echo "no fuzz target was found"; exit 1; }
exit "$failed"
