#!/usr/bin/env bash
# first_row.sh - from a new key to a signed row, with psql and openssl.
#
#   first_row.sh DIRECTORY       keeps the private key there; psql finds the database by PGHOST, PGDATABASE and so on
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

# the registrar: who may sign
sql <<'SQL'
SELECT seoulchain.install_members();
SELECT seoulchain.register_member('inspector-7', 'clerk');
SQL

# the signer: a key, whose public half goes to the registrar
openssl genpkey -algorithm ed25519 -out key.pem
openssl pkey -in key.pem -pubout -out key.pub
sql -v key="$(cat key.pub)" <<<"SELECT seoulchain.add_key('inspector-7', 'first', :'key');"

# the table's owner: rows of this table are signed from now on
sql <<'SQL'
CREATE TABLE inspection (car text, km int, nonce uuid, inspector text, signature text) USING ledger;
SELECT seoulchain.require_signature('inspection', 'inspector', 'signature');
SQL

# the signer: a row, its payload, the signature, the insert
nonce=$(sql -c 'SELECT gen_random_uuid()')
payload=$(sql -v nonce="$nonce" <<'SQL'
SELECT seoulchain.signing_payload('inspection',
	jsonb_populate_record(NULL::inspection, jsonb_build_object('car', 'KMHEM42APXA000001', 'km', 48210,
		'nonce', :'nonce', 'inspector', 'inspector-7')));
SQL
)
signature=$("$here/sign_row.sh" key.pem first <<<"$payload")
sql -v nonce="$nonce" -v signature="$signature" <<'SQL'
INSERT INTO inspection (car, km, nonce, inspector, signature)
	VALUES ('KMHEM42APXA000001', 48210, :'nonce', 'inspector-7', :'signature') RETURNING ledger_seq, ledger_time;
SQL
