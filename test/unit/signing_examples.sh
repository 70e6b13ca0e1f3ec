#!/usr/bin/env bash
# The programs of examples/signing, as they stand, with all three kinds of keys;
# the JWS verifier judges what they signed, and the canonical form that two of
# them make themselves is the one that core writes.
set -u
cd "$(dirname "$0")/../.."
check="$1/test_jws --check"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

count() {	# what, and a command that has to succeed
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: $what"
	fi
}

cp -r examples/signing "$dir/examples"
count "jose is there" tools/get_jose "$dir/examples"
openssl genpkey -algorithm ed25519 -out "$dir/EdDSA.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/ES256.pem"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/PS256.pem" 2>/dev/null

# Debian's own Python has Debian's cryptography
python=python3
[ -x /usr/bin/python3 ] && python=/usr/bin/python3

# the payload as core writes it, and the same members in another order and with other escapes
printf '%s' '{"chain":"seoul.go.kr/inspector/main","columns":{"km":"48210","nonce":"4f1c","remark":"브레이크 \"B\"\n\u0001/\u007f"},"table":"usedcar.inspection"}' |
	sed 's/\\u007f/\x7f/' >"$dir/payload"
printf '%s\n' '{ "table": "usedcar.inspection", "columns": {"remark":"\ube0c\ub808\uc774\ud06c \u0022B\u0022\u000a\u0001\/\u007f", "nonce":"4f1c","km":"48210"}, "chain":"seoul.go.kr\/inspector\/main"}' >"$dir/loose"

says() {	# public key, payload, program with arguments: the verifier's word on what it signs
	local key=$1 payload=$2
	shift 2
	"$@" <"$payload" >"$dir/jws" && $check "$key" "$dir/payload" "$dir/jws" | grep -qx 'no error'
}

for alg in EdDSA ES256 PS256; do
	openssl pkey -in "$dir/$alg.pem" -pubout -out "$dir/$alg.pub"
	for round in 1 2 3; do	# r and s are short now and then
		count "$alg with jose" says "$dir/$alg.pub" "$dir/loose" node "$dir/examples/sign_row.mjs" "$dir/$alg.pem" clerk-7
		count "$alg with Python" says "$dir/$alg.pub" "$dir/loose" "$python" "$dir/examples/sign_row.py" "$dir/$alg.pem" clerk-7
		count "$alg with openssl" says "$dir/$alg.pub" "$dir/payload" "$dir/examples/sign_row.sh" "$dir/$alg.pem" clerk-7
	done
done
refuses() { ! "$@" <<<'{"columns":{"km":48210}}' >"$dir/out" 2>&1 && grep -q 'every value of a payload is a string' "$dir/out"; }
count "a number is not signed with jose" refuses node "$dir/examples/sign_row.mjs" "$dir/EdDSA.pem"
count "a number is not signed with Python" refuses "$python" "$dir/examples/sign_row.py" "$dir/EdDSA.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$dir/P384.pem"
refuses_key() { ! "$@" <<<'{}' >"$dir/out" 2>&1; }
count "a P-384 key signs nothing with jose" refuses_key node "$dir/examples/sign_row.mjs" "$dir/P384.pem"
count "a P-384 key signs nothing with Python" refuses_key "$python" "$dir/examples/sign_row.py" "$dir/P384.pem"
count "a P-384 key signs nothing with openssl" refuses_key "$dir/examples/sign_row.sh" "$dir/P384.pem"

printf '%-14s %d passed, %d failed\n' signing_examples $passed $failed
[ $failed -eq 0 ]
