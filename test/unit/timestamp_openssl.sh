#!/usr/bin/env bash
# An authority made with the openssl program (P-256 and RSA keys) stamps the
# checkpoint of docs/format.md; seoulchain-verify tells the time, and does not
# for other checkpoints, other authorities, revoked certificates, damage.
set -u
cd "$(dirname "$0")/../.."
out=$(cd "$1" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

expect() {	# exit code, words, arguments...: what the program answers
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

# the text that is stamped: the checkpoint's, up to its blank line
sed '/^$/,$d' "$out/vectors/format_checkpoint" > "$dir/text"
checkpoint=$out/vectors/format_checkpoint
key=$(head -n 1 "$out/vectors/format_keys")

cat > "$dir/conf" <<END
[req]
distinguished_name = dn
prompt = no
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[stamp]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ca]
default_ca = d
[d]
database = $dir/index
crlnumber = $dir/crlnumber
default_md = sha256
default_crl_days = 30
[tsa]
serial = $dir/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
END

make_authority() {	# name: a root, and a certificate for timestamps with either key
	local name=$1
	openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$name.key"
	openssl req -x509 -new -key "$dir/$name.key" -config "$dir/conf" -extensions root -subj "/CN=$name root" -days 30 -out "$dir/$name.pem"
	openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$name-ec.key"
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/$name-rsa.key"
	for kind in ec rsa; do
		openssl req -new -key "$dir/$name-$kind.key" -config "$dir/conf" -subj "/CN=$name $kind" -out "$dir/request.pem"
		openssl x509 -req -in "$dir/request.pem" -CA "$dir/$name.pem" -CAkey "$dir/$name.key" -CAcreateserial \
			-extfile "$dir/conf" -extensions stamp -days 20 -out "$dir/$name-$kind.pem"
	done
}

stamp() {	# name kind text: a response on standard output
	openssl ts -query -data "$3" -sha256 -cert -out "$dir/query"
	openssl ts -reply -config "$dir/conf" -section tsa -queryfile "$dir/query" \
		-signer "$dir/$1-$2.pem" -inkey "$dir/$1-$2.key" -out "$dir/reply" && cat "$dir/reply"
}

revoke() {	# name kind reason: a list on standard output
	local serial when
	serial=$(openssl x509 -in "$dir/$1-$2.pem" -noout -serial | cut -d= -f2)
	when=$(date -u -d "-1 hour" +%y%m%d%H%M%SZ)
	printf 'R\t400101000000Z\t%s,%s\t%s\tunknown\t/CN=x\n' "$when" "$3" "$serial" > "$dir/index"
	echo 01 > "$dir/crlnumber"
	openssl ca -gencrl -config "$dir/conf" -keyfile "$dir/$1.key" -cert "$dir/$1.pem"
}

{
	echo 01 > "$dir/serial"
	make_authority good && make_authority other
	for kind in ec rsa; do
		stamp good $kind "$dir/text" > "$dir/$kind.tsr"
		openssl ts -reply -in "$dir/$kind.tsr" -token_out -out "$dir/$kind.token"
	done
	stamp other ec "$dir/text" > "$dir/other.tsr"
	sed 's/^4$/5/' "$dir/text" > "$dir/text5"
	stamp good ec "$dir/text5" > "$dir/other-text.tsr"
	revoke good ec keyCompromise > "$dir/crl.pem"
	head -n 3 "$dir/good.pem" > "$dir/damaged.pem"
	cat "$dir/good.pem" "$dir/good-ec.pem" > "$dir/bundle.pem"
	cp "$dir/ec.tsr" "$dir/flipped.tsr"
	printf '\xff' | dd of="$dir/flipped.tsr" bs=1 seek=$(($(stat -c %s "$dir/ec.tsr") - 4)) conv=notrunc
} > "$dir/log" 2>&1

year=$(date -u +%Y)
for kind in ec rsa; do
	for form in tsr token; do
		expect 0 "existed by     $year" --key "$key" --timestamp "$dir/$kind.$form" --authority "$dir/good.pem" "$checkpoint"
		expect 0 "says           CN=good $kind" --key "$key" -t "$dir/$kind.$form" -a "$dir/other.pem" -a "$dir/good.pem" "$checkpoint"
	done
done
expect 0 "give or take 1.000000 seconds" --key "$key" -t "$dir/ec.tsr" -a "$dir/bundle.pem" "$out/vectors/format_receipt"
expect 2 "existed by" -t "$dir/ec.tsr" -a "$dir/good.pem" "$checkpoint"
expect 2 "no registered authority" --key "$key" -t "$dir/other.tsr" -a "$dir/good.pem" "$checkpoint"
expect 1 "a timestamp of another text" --key "$key" -t "$dir/other-text.tsr" -a "$dir/good.pem" "$checkpoint"
expect 1 "revoked at that time" --key "$key" -t "$dir/ec.tsr" -a "$dir/good.pem" --crl "$dir/crl.pem" "$checkpoint"
expect 0 "existed by" --key "$key" -t "$dir/rsa.tsr" -a "$dir/good.pem" --crl "$dir/crl.pem" "$checkpoint"
expect 1 "NOT TRUE" --key "$key" -t "$dir/flipped.tsr" -a "$dir/good.pem" "$checkpoint"
expect 1 "neither a timestamp response nor a token" --key "$key" -t "$checkpoint" -a "$dir/good.pem" "$checkpoint"
expect 3 "cannot use" --key "$key" -t "$dir/ec.tsr" -a "$dir/damaged.pem" "$checkpoint"
expect 3 "cannot use" --key "$key" -t "$dir/ec.tsr" -a "$dir/good.pem" -r "$dir/good.pem" "$checkpoint"
expect 3 "cannot read" --key "$key" -t "$dir/nothing" -a "$dir/good.pem" "$checkpoint"
expect 3 "go together" --key "$key" -t "$dir/ec.tsr" "$checkpoint"
expect 3 "go together" --key "$key" -a "$dir/good.pem" "$checkpoint"
expect 3 "takes one file" --key "$key" -t "$dir/ec.tsr" -a "$dir/good.pem" "$checkpoint" "$checkpoint"
expect 1 "no checkpoint that the timestamp could be about" --key "$key" -t "$dir/ec.tsr" -a "$dir/good.pem" "$dir/conf"

[ $failed -eq 0 ] || tail -20 "$dir/log"
printf '%-14s %d passed, %d failed\n' timestamp_openssl $passed $failed
[ $failed -eq 0 ]
