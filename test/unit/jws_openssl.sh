#!/usr/bin/env bash
# Signs rows with the openssl program (Ed25519, P-256, RSA-PSS) the way docs/signing.md
# shows, and lets the JWS verifier judge: good ones, and ones that only look so.
# Public keys are given raw, as PEM and DER, and in certificates; keys that are
# too weak or of another curve are refused by name.
set -u
cd "$(dirname "$0")/../.."
check="$1/test_jws --check"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# the raw r||s of an ECDSA signature in DER
raw_of_der() {
	openssl asn1parse -inform DER | sed -nE 's/.*INTEGER *:([0-9A-F]+)$/\1/p' |
		perl -ne 'chomp; print pack("H64", substr("0" x 64 . $_, -64))'
}

sign() {	# kind header payload-file key: the JWS
	local header input
	header=$(printf '%s' "$2" | base64url)
	input="$header.$(base64url < "$3")"
	printf '%s' "$input" > "$dir/input"
	case $1 in
		ed) openssl pkeyutl -sign -rawin -inkey "$4" -in "$dir/input" > "$dir/signature" ;;
		ec) openssl dgst -sha256 -sign "$4" "$dir/input" | raw_of_der > "$dir/signature" ;;
		ec-der) openssl dgst -sha256 -sign "$4" "$dir/input" > "$dir/signature" ;;
		rsa) openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign "$4" "$dir/input" > "$dir/signature" ;;
		rsa-salt) openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 -sign "$4" "$dir/input" > "$dir/signature" ;;
		rsa-old) openssl dgst -sha256 -sign "$4" "$dir/input" > "$dir/signature" ;;
	esac
	printf '%s..%s\n' "$header" "$(base64url < "$dir/signature")"
}

expect() {	# words key payload jws what
	local said
	printf '%s\n' "$4" > "$dir/jws"
	said=$($check "$2" "$3" "$dir/jws")
	if [ "$said" = "$1" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: $5: said \"$said\""
	fi
}

cat > "$dir/make" <<END
openssl genpkey -algorithm ed25519 -out $dir/ed.pem
openssl ecparam -name prime256v1 -genkey -noout -out $dir/ec.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $dir/rsa.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out $dir/weak.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 -out $dir/three.pem
openssl ecparam -name secp384r1 -genkey -noout -out $dir/p384.pem
openssl ecparam -name secp256k1 -genkey -noout -out $dir/k1.pem
openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out $dir/explicit.pem
openssl genpkey -algorithm ed448 -out $dir/ed448.pem
END
if ! bash -e "$dir/make" 2> "$dir/log"; then
	cat "$dir/log"
	printf '%-14s 0 passed, 1 failed\n' jws_openssl
	exit 1
fi
for key in ed ec rsa weak three p384 k1 explicit ed448; do
	openssl pkey -in "$dir/$key.pem" -pubout -out "$dir/$key.pub" 2> /dev/null
	openssl pkey -in "$dir/$key.pem" -pubout -outform DER -out "$dir/$key.der" 2> /dev/null
	openssl req -x509 -new -key "$dir/$key.pem" -subj /CN=clerk -days 2 -out "$dir/$key.crt" 2> /dev/null
done
openssl x509 -in "$dir/ed.crt" -outform DER -out "$dir/ed.crt.der"
openssl ec -in "$dir/ec.pem" -pubout -conv_form compressed -out "$dir/compressed.pub" 2> /dev/null
tail -c 32 "$dir/ed.der" > "$dir/ed.raw"

payload=$dir/payload
printf '%s' '{"chain":"seoul.go.kr/inspector/main","columns":{"car":"KMHEM42APXA000001","km":"48210","nonce":"4f1c"},"table":"usedcar.inspection"}' > "$payload"
sed 's/48210/18210/' "$payload" > "$payload.other"
good="no error"
bad="the signature does not verify"
typ='"typ":"seoulchain-row+jws"'

for round in 1 2 3 4 5 6; do	# r and s are short now and then
	expect "$good" "$dir/ec.pub" "$payload" "$(sign ec "{\"alg\":\"ES256\",$typ}" "$payload" "$dir/ec.pem")" "ES256, round $round"
done
for kind in ed:EdDSA ed:Ed25519 ec:ES256 rsa:PS256; do
	key=${kind%%:*}
	alg=${kind#*:}
	jws=$(sign "$key" "{\"alg\":\"$alg\",$typ}" "$payload" "$dir/$key.pem")
	for form in pub der crt; do
		expect "$good" "$dir/$key.$form" "$payload" "$jws" "$alg with a $form key"
	done
	expect "$bad" "$dir/$key.pub" "$payload.other" "$jws" "$alg over another payload"
	expect "$bad" "$dir/$key.pub" /dev/null "$jws" "$alg without payload"
	expect "the header's typ is not the one asked for" "$dir/$key.pub" "$payload" \
		"$(sign "$key" "{\"alg\":\"$alg\"}" "$payload" "$dir/$key.pem")" "$alg without typ"
done
jws=$(sign ed "{\"alg\":\"EdDSA\",$typ}" "$payload" "$dir/ed.pem")
expect "$good" "$dir/ed.raw" "$payload" "$jws" "raw key"
expect "$good" "$dir/ed.crt.der" "$payload" "$jws" "certificate in DER"
expect "the algorithm is not the one of the registered key" "$dir/ec.pub" "$payload" "$jws" "EdDSA for a P-256 key"
expect "$bad" "$dir/ec.pub" "$payload" "$(sign rsa "{\"alg\":\"ES256\",$typ}" "$payload" "$dir/rsa.pem" | sed -E 's/^([^.]*\.\.)(.{86}).*/\1\2/' | sed 's/.$/A/')" "an RSA signature cut to ES256's length"
expect "the signature does not have the length that this key's signatures have" "$dir/ec.pub" "$payload" \
	"$(sign ec-der "{\"alg\":\"ES256\",$typ}" "$payload" "$dir/ec.pem")" "ES256 in DER"
expect "$bad" "$dir/rsa.pub" "$payload" "$(sign rsa-salt "{\"alg\":\"PS256\",$typ}" "$payload" "$dir/rsa.pem")" "PS256 with a salt of 20 bytes"
expect "$bad" "$dir/rsa.pub" "$payload" "$(sign rsa-old "{\"alg\":\"PS256\",$typ}" "$payload" "$dir/rsa.pem")" "PKCS#1 v1.5 under the name of PS256"
expect "the algorithm is not one of EdDSA, ES256, PS256" "$dir/rsa.pub" "$payload" \
	"$(sign rsa-old "{\"alg\":\"RS256\",$typ}" "$payload" "$dir/rsa.pem")" "RS256"

weak="key: an RSA key of less than 2048 bits or with an exponent that is even or below 65537"
other="key: an algorithm or curve other than Ed25519, P-256 and RSA"
form="key: not the usual DER form (named curve, uncompressed point)"
for suffix in pub der crt; do
	expect "$weak" "$dir/weak.$suffix" "$payload" "$jws" "RSA 1024 ($suffix)"
	expect "$weak" "$dir/three.$suffix" "$payload" "$jws" "RSA exponent 3 ($suffix)"
	expect "$other" "$dir/p384.$suffix" "$payload" "$jws" "P-384 ($suffix)"
	expect "$other" "$dir/k1.$suffix" "$payload" "$jws" "secp256k1 ($suffix)"
	expect "$other" "$dir/ed448.$suffix" "$payload" "$jws" "Ed448 ($suffix)"
	expect "$form" "$dir/explicit.$suffix" "$payload" "$jws" "explicit curve ($suffix)"
done
expect "$form" "$dir/compressed.pub" "$payload" "$jws" "compressed point"
expect "key: a private key, which nobody but its holder may have" "$dir/ed.pem" "$payload" "$jws" "private key"
cat "$dir/ed.pub" "$dir/ec.pub" > "$dir/two.pub"
expect "key: more than one key or certificate, or something around it" "$dir/two.pub" "$payload" "$jws" "two keys"

printf '%-14s %d passed, %d failed\n' jws_openssl $passed $failed
[ $failed -eq 0 ]
