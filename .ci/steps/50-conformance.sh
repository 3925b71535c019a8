# The conformance suite, from outside, against a server as `entente init` leaves
# it (TLS), with an account for each kind of rights. Recommendations count too.
set -uo pipefail

dir=$CI_WORK/conformance
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listen=$(port)
entente init "$dir" --port "$listen" --operator-port "$(port)" >"$CI_WORK/init.txt" || exit 1
ENTENTE_PASSWORD=$(sed -En 's/^password: +([^ ]+).*/\1/p' "$CI_WORK/init.txt")
export ENTENTE_PASSWORD

roles=()
for role in ro=read wo=write nn=visible out=; do
	name=${role%%=*} right=${role#*=}
	echo "a password for $name" >"$CI_WORK/$name.pw"
	grant=(--grant "sightings=read")
	[[ -n $right ]] && grant=(--grant "intel=$right")
	entente account add "$name" --config "$dir/entente.yaml" --password-file "$CI_WORK/$name.pw" "${grant[@]}" || exit 1
	roles+=(--role "$name=$name:$CI_WORK/$name.pw")
done

entente serve --config "$dir/entente.yaml" 2>"$CI_WORK/serve.log" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null' EXIT
for _ in {1..100}; do
	curl -fsS --cacert "$dir/cert.pem" --user "admin:$ENTENTE_PASSWORD" "https://localhost:$listen/taxii2/" >/dev/null 2>&1 && break
	sleep 0.1
done

log=$CI_WORK/conform.log
entente conform "https://localhost:$listen/" --ca "$dir/cert.pem" --user admin --collection intel --strict "${roles[@]}" | tee "$log"
code=${PIPESTATUS[0]}
if ((code != 0)); then
	tail -n 20 "$CI_WORK/serve.log"
	exit "$code"
fi
grep -Eq '[1-9][0-9]* passed' "$log" || { echo "no case ran"; exit 1; }
