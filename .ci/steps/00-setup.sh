# Brings what the other steps need onto a bare Debian 12: Go from the module
# proxy, a C compiler for -race, Python with venv for the clients. What is there
# already is left alone. Ends with the binary the later steps start.
set -euo pipefail

need=()
command -v git >/dev/null || need+=(git)
command -v curl >/dev/null || need+=(curl ca-certificates)
command -v gcc >/dev/null || need+=(gcc libc6-dev)
command -v python3 >/dev/null || need+=(python3)
python3 -c 'import venv, ensurepip' 2>/dev/null || need+=(python3-venv)
if ((${#need[@]})); then
	echo "installing ${need[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${need[@]}" >"$CI_WORK/apt.log" 2>&1 || { cat "$CI_WORK/apt.log"; exit 1; }
fi

# Any Go from 1.26 on will do; without one, the pinned toolchain comes the way
# the go command itself would fetch it, checked against its SHA-256.
go_version=1.26.8
go_sha256=30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7
recent() { command -v go >/dev/null && go version | grep -Eq 'go(1\.(2[6-9]|[3-9][0-9])|[2-9])'; }
if ! recent; then
	if [[ $(uname -sm) != "Linux x86_64" ]]; then
		echo "Go 1.26 or later is needed: see https://go.dev/dl"
		exit 1
	fi
	echo "fetching Go $go_version from the module proxy"
	proxy=${GOPROXY:-https://proxy.golang.org}
	proxy=${proxy%%[,|]*}
	curl -fsSL --retry 3 -o "$CI_WORK/go.zip" \
		"$proxy/golang.org/toolchain/@v/v0.0.1-go$go_version.linux-amd64.zip"
	echo "$go_sha256  $CI_WORK/go.zip" | sha256sum --check --quiet
	python3 -m zipfile -e "$CI_WORK/go.zip" "$CI_WORK/unpacked"
	mv "$CI_WORK/unpacked/golang.org/toolchain@v0.0.1-go$go_version.linux-amd64" "$CI_WORK/go"
	chmod +x "$CI_WORK"/go/bin/* "$CI_WORK"/go/pkg/tool/*/*
	rm -r "$CI_WORK/go.zip" "$CI_WORK/unpacked"
fi

go version
python3 --version
go mod download
go mod verify
go build ./...
go build -o "$GOBIN/entente" ./cmd/entente
