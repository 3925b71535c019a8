# Known vulnerabilities in what the binary calls. Without the database (a
# machine with no way to vuln.go.dev) this says so and passes: nothing was found
# because nothing was looked up.
set -uo pipefail

go install golang.org/x/vuln/cmd/govulncheck@v1.9.0 || exit 1
log=$CI_WORK/govulncheck.log
timeout 300 govulncheck ./... >"$log" 2>&1
code=$?
cat "$log"
if ((code != 0)) && grep -qE 'fetching vulnerabilities|vuln\.go\.dev' "$log"; then
	echo "NOT CHECKED: the vulnerability database cannot be reached from here"
	exit 0
fi
exit "$code"
