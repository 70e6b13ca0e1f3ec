#!/usr/bin/env python3
"""Signs a row of a Seoulchain ledger table with python3-cryptography.

    sign_row.py KEY.pem [KEY-NAME] < payload > signature

KEY.pem is a private key: Ed25519, P-256 or RSA.  KEY-NAME is the name under
which its public half is registered; without it the database tries all keys of
the signer.  The payload is what seoulchain.signing_payload() gives, or what the
application made itself: JSON with chain, table, columns.
"""
import base64
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils


def canonical(value):
    """The text that is signed: members sorted by name, no white space, strings only (RFC 8785)."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict):
        raise TypeError("every value of a payload is a string, written as PostgreSQL writes it")
    members = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in members) + "}"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def algorithm_of(key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(key, rsa.RSAPrivateKey):
        return "PS256"
    raise TypeError("rows are signed with Ed25519, P-256 or RSA")


def raw_signature(key, data):
    """EdDSA as it is, ES256 as r and s of 32 bytes each, PS256 with a salt of 32 bytes."""
    sha256 = hashes.SHA256()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PSS(mgf=padding.MGF1(sha256), salt_length=sha256.digest_size), sha256)
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(sha256)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign(payload, key, key_name=None):
    """A JWS with detached payload: "<header>..<signature>"."""
    header = {"alg": algorithm_of(key), "typ": "seoulchain-row+jws"}
    if key_name:
        header["kid"] = key_name
    head = base64url(json.dumps(header).encode("utf-8"))
    data = head + "." + base64url(payload.encode("utf-8"))
    return head + ".." + base64url(raw_signature(key, data.encode("ascii")))


def main(key_file, key_name=None):
    with open(key_file, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), password=None)
    payload = canonical(json.loads(sys.stdin.buffer.read().decode("utf-8")))
    print(sign(payload, key, key_name))


main(*sys.argv[1:])
