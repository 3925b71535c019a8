# Clients that people really use, from their registry at fixed versions, against
# the real binary: see .ci/clients.
set -uo pipefail

python3 -m venv "$CI_WORK/venv" || exit 1
"$CI_WORK/venv/bin/pip" install --quiet --disable-pip-version-check --requirement .ci/clients/requirements.txt || exit 1

log=$CI_WORK/clients.log
ENTENTE=$GOBIN/entente timeout 1200 "$CI_WORK/venv/bin/python" -m pytest -q -p no:cacheprovider --basetemp "$CI_WORK/clients" \
	--tb short .ci/clients | tee "$log"
code=${PIPESTATUS[0]}
((code == 0)) || exit "$code"
grep -Eq '^clients: [1-9][0-9]* passed, 0 failed' "$log" || { echo "no client test ran"; exit 1; }
