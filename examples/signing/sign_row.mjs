// sign_row.mjs - signs a row of a Seoulchain ledger table with jose (npm install jose).
//
//   node sign_row.mjs KEY.pem [KEY-NAME] < payload > signature
//
// KEY.pem is a private key in PKCS #8: Ed25519, P-256 or RSA.  KEY-NAME is the
// name under which its public half is registered; without it the database
// tries all keys of the signer.  The payload is what seoulchain.signing_payload()
// gives, or what the application made itself: JSON with chain, table, columns.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CompactSign } from 'jose';

const algorithms = { ed25519: 'EdDSA', ec: 'ES256', rsa: 'PS256' };

// The bytes that are signed: members sorted by name, no white space, strings only (RFC 8785).
function canonical(value) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new TypeError('every value of a payload is a string, written as PostgreSQL writes it');
  const members = Object.keys(value).sort();
  return '{' + members.map((name) => JSON.stringify(name) + ':' + canonical(value[name])).join(',') + '}';
}

// A JWS with detached payload: "<header>..<signature>".
async function sign(payload, key, keyName) {
  const header = { alg: algorithms[key.asymmetricKeyType], typ: 'seoulchain-row+jws' };
  if (keyName) header.kid = keyName;
  const jws = await new CompactSign(Buffer.from(payload)).setProtectedHeader(header).sign(key);
  const [head, , signature] = jws.split('.');
  return `${head}..${signature}`;
}

const [keyFile, keyName] = process.argv.slice(2);
const payload = canonical(JSON.parse(readFileSync(0, 'utf8')));
console.log(await sign(payload, createPrivateKey(readFileSync(keyFile)), keyName));
