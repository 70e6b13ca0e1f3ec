#!/usr/bin/env bash
# A member signs the row of docs/format.md with openssl; seoulchain-verify says
# which columns that covers, and refuses other keys, columns, rows and texts.
set -u
cd "$(dirname "$0")/../.."
out=$(cd "$1" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

expect() {	# exit code, words, arguments...
	local rc=$1 words=$2 said
	shift 2
	said=$("$out/seoulchain-verify" "$@" 2>&1)
	if [ $? -eq "$rc" ] && [[ $said == *"$words"* ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'failed: %s (exit %s wanted, "%s")\n%s\n' "$*" "$rc" "$words" "$said"
	fi
}

b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

sign() {	# payload: the JWS by the Ed25519 key
	local header
	header=$(printf '{"alg":"EdDSA","typ":"seoulchain-row+jws","kid":"inspector-1"}' | b64)
	printf '%s.%s' "$header" "$(printf '%s' "$1" | b64)" > "$dir/input"
	printf '%s..%s\n' "$header" "$(openssl pkeyutl -sign -rawin -inkey "$dir/ed.pem" -in "$dir/input" | b64)"
}

openssl genpkey -algorithm ed25519 -out "$dir/ed.pem"
openssl genpkey -algorithm ed25519 -out "$dir/other.pem"
openssl pkey -in "$dir/ed.pem" -pubout -out "$dir/ed.pub"
openssl pkey -in "$dir/ed.pem" -pubout -outform DER | tail -c 32 > "$dir/ed.raw"
openssl pkey -in "$dir/other.pem" -pubout -out "$dir/other.pub"
openssl req -x509 -new -key "$dir/ed.pem" -subj /CN=inspector -days 2 -out "$dir/ed.crt"
sign '{"chain":"seoul.go.kr/inspector/main","columns":{"car":"KMHEM42APXA000001","km":"48210"},"table":"usedcar.inspection"}' > "$dir/row.jws"
sign '{"chain":"seoul.go.kr/inspector/main","columns":{"car":"KMHEM42APXA000001","km":"18210"},"table":"usedcar.inspection"}' > "$dir/false.jws"
sed 's/\.\.A*./..!/' "$dir/row.jws" > "$dir/damaged.jws"

receipt=$out/vectors/format_receipt
vkey=$(head -n 1 "$out/vectors/format_keys")
columns="-C car -C km"
for key in ed.pub ed.raw ed.crt; do
	expect 0 "signed         car, km" --key "$vkey" --signature "$dir/row.jws" --member-key "$dir/$key" $columns "$receipt"
done
expect 0 "not signed     remark" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" $columns "$receipt"
expect 0 "from a certificate that is not judged here" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.crt" $columns "$receipt"
expect 0 "signed         car, km" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" $columns -C nothing "$receipt"
expect 2 "The holder of this key signed" -s "$dir/row.jws" -m "$dir/ed.pub" $columns "$receipt"
expect 1 "the signature does not verify" --key "$vkey" -s "$dir/row.jws" -m "$dir/other.pub" $columns "$receipt"
expect 1 "the signature does not verify" --key "$vkey" -s "$dir/false.jws" -m "$dir/ed.pub" $columns "$receipt"
expect 1 "the signature does not verify" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" -C car "$receipt"
expect 1 "the signature does not verify" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" $columns -C remark "$receipt"
expect 1 "not canonical base64url" --key "$vkey" -s "$dir/damaged.jws" -m "$dir/ed.pub" $columns "$receipt"
expect 3 "a private key" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pem" $columns "$receipt"
expect 3 "no proven row" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" $columns "$out/vectors/format_checkpoint"
sed 's/^index 2/index 1/' "$receipt" > "$dir/altered"
expect 1 "no proven row" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" $columns "$dir/altered"
expect 3 "go together" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" "$receipt"
expect 3 "go together" --key "$vkey" -s "$dir/row.jws" $columns "$receipt"
expect 3 "go together" --key "$vkey" $columns "$receipt"
expect 3 "takes one file" --key "$vkey" -s "$dir/row.jws" -m "$dir/ed.pub" $columns "$receipt" "$receipt"
expect 3 "cannot read" --key "$vkey" -s "$dir/nothing" -m "$dir/ed.pub" $columns "$receipt"

printf '%-14s %d passed, %d failed\n' signature_openssl $passed $failed
[ $failed -eq 0 ]
