#!/bin/sh
# Builds the browser lab's program: lab.wasm.gz and, from the same Go, its
# wasm_exec.js. Equal sources give equal bytes with the Go that GOVERSION names,
# so that
#
#	build.sh --check
#
# can say whether what is committed is what would be built. It builds with that
# version, and so may have to download it.
set -eu
cd "$(dirname "$0")"
out=.
go_here=$(go env GOVERSION)
if [ "${1:-}" = --check ]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
	[ "$go_here" = "$(cat GOVERSION)" ] || export GOTOOLCHAIN="$(cat GOVERSION)"
fi
GOOS=js GOARCH=wasm CGO_ENABLED=0 GOFLAGS= go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o "$out/lab.wasm" ../wasm
gzip -9nf "$out/lab.wasm"
cp "$(go env GOROOT)/lib/wasm/wasm_exec.js" "$out/wasm_exec.js"
chmod 644 "$out"/lab.wasm.gz "$out"/wasm_exec.js
if [ "$out" = . ]; then
	echo "$go_here" >GOVERSION
	ls -l lab.wasm.gz
	exit
fi
gunzip -c lab.wasm.gz | cmp - "$(gunzip -k "$out/lab.wasm.gz" && echo "$out/lab.wasm")" && cmp wasm_exec.js "$out/wasm_exec.js" || {
	echo "lab/web/lab.wasm.gz is not what these sources build: run lab/web/build.sh and commit" >&2
	exit 1
}
