# Non-interference on 2,500 stories that go test does not tell (NI_STORIES), always
# the same ones (NI_SEED), so that a change is not held up by a difference that was
# there before it. None is known: of the last 40,000 stories, of 16 seeds, two had one,
# and what caused these is mended. What is rarer, make noninterference looks for, with
# other stories each time. Stories do not restart the server. A failure prints the
# story in short and the seed. The output must say that the stories ran: go test passes
# without a word when a name matches nothing.
set -uo pipefail

log=$CI_WORK/noninterference.log
go test ./taxii/server -count=1 -timeout 10m -run '^TestNonInterferenceLong$' -rapid.checks="${NI_STORIES:-2500}" -rapid.seed="${NI_SEED:-3420785989109268608}" -rapid.nofailfile -rapid.shrinktime=5s -v >"$log" 2>&1
code=$?
grep -v 'draw story' "$log" | cut -c1-2000 | tail -n 100
((code == 0)) || exit "$code"
grep -Eq 'Stories:[1-9]' "$log" || { echo "no story was told"; exit 1; }
