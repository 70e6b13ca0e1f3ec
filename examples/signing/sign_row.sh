#!/usr/bin/env bash
# sign_row.sh - signs a row of a Seoulchain ledger table with the openssl program.
#
#   sign_row.sh KEY.pem [KEY-NAME] < payload > signature
#
# KEY.pem is a private key: Ed25519, P-256 or RSA.  KEY-NAME is the name under
# which its public half is registered; without it the database tries all keys
# of the signer.  The payload is the text that seoulchain.signing_payload()
# gives; it is signed as it stands, less the newline at its end.
set -eu -o pipefail

key=$1
key_name=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# the raw form of an ECDSA signature: r and s, 32 bytes each, out of the DER that openssl writes
raw_of_der() {
	local hex number
	openssl asn1parse -inform DER | sed -nE 's/.*INTEGER *:([0-9A-F]+)$/\1/p' | while read -r number; do
		hex=$(printf '%64s' "$number" | tr ' ' 0)
		printf '%b' "$(printf '%s' "$hex" | sed 's/../\\x&/g')"
	done
}

case $key_name in *[\"\\]*) echo "a key's name has no quote and no backslash here" >&2; exit 1 ;; esac
case $(openssl pkey -in "$key" -noout -text) in
	*ED25519*) algorithm=EdDSA ;;
	*prime256v1*) algorithm=ES256 ;;
	*modulus:*) algorithm=PS256 ;;
	*) echo "rows are signed with Ed25519, P-256 or RSA" >&2; exit 1 ;;
esac

payload=$(cat)
header="{\"alg\":\"$algorithm\",\"typ\":\"seoulchain-row+jws\"${key_name:+,\"kid\":\"$key_name\"}}"
header=$(printf '%s' "$header" | base64url)
printf '%s.%s' "$header" "$(printf '%s' "$payload" | base64url)" > "$work/input"

case $algorithm in
	EdDSA) openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/input" ;;
	ES256) openssl dgst -sha256 -sign "$key" "$work/input" | raw_of_der ;;
	PS256) openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign "$key" "$work/input" ;;
esac > "$work/signature"
printf '%s..%s\n' "$header" "$(base64url < "$work/signature")"
