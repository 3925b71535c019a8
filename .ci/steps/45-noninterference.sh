# Non-interference on 2,500 stories that go test does not tell (NI_STORIES), always
# the same ones (NI_SEED), so that a change is not held up by a difference that was
# there before it. Other seeds still find one now and then: 14 seeds in a row, 35,000
# stories, were told without any, two more had one each (31 and 32: a revocation, and
# the order of late releases, where others have sent the same object). make
# noninterference looks for them. Stories do not restart the server. A failure prints
# the story in short and the seed. The output must say that the stories ran: go test
# passes without a word when a name matches nothing.
set -uo pipefail

log=$CI_WORK/noninterference.log
go test ./taxii/server -count=1 -timeout 10m -run '^TestNonInterferenceLong$' -rapid.checks="${NI_STORIES:-2500}" -rapid.seed="${NI_SEED:-3420785989109268608}" -rapid.nofailfile -rapid.shrinktime=5s -v >"$log" 2>&1
code=$?
grep -v 'draw story' "$log" | cut -c1-2000 | tail -n 100
((code == 0)) || exit "$code"
grep -Eq 'Stories:[1-9]' "$log" || { echo "no story was told"; exit 1; }
