"""Who signed: keys and thresholds of the ats dialect.

A key counts once, by what it is and not by the id that it goes under. The algorithm follows from the
key that is trusted; a signature that says another does not count.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from documents import encode, expect, integer
from refused import Refused

# A keyid, and an Ed25519 key.
HEX = re.compile("[0-9a-f]{64}")
MAX_THRESHOLD = 1000
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


@dataclass(frozen=True)
class Key:
    public: rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    spki: bytes
    methods: frozenset

    def verifies(self, signature, message):
        try:
            if isinstance(self.public, rsa.RSAPublicKey):
                self.public.verify(signature, message, PSS, hashes.SHA256())
            else:
                self.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Role:
    keyids: tuple
    threshold: int


def read_keys(root):
    keys = root.signed.get("keys")
    expect(isinstance(keys, dict), "no keys")
    return {keyid: read_key(keyid, keys[keyid]) for keyid in keys}


def read_key(keyid, key):
    expect(isinstance(key, dict) and key.keys() == {"keytype", "keyval"}, f"key {keyid}")
    keyval = key["keyval"]
    expect(isinstance(keyval, dict) and keyval.keys() == {"public"}, f"key {keyid}")
    text = keyval["public"]
    expect(isinstance(text, str), f"key {keyid}")
    try:
        public, methods = read_public(key["keytype"], text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused("format", f"key {keyid}: {error}") from error
    spki = written(public, serialization.Encoding.DER)
    # The second form is that of fioctl before 0.30.
    derived = {sha256(spki), sha256(encode(key))}
    expect(keyid in derived, f"key {keyid}: another id")
    return Key(public, spki, methods)


def read_public(keytype, text):
    if keytype == "RSA":
        public = serialization.load_pem_public_key(text.encode())
        expect(isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048, "no RSA key")
        expect(written(public, serialization.Encoding.PEM).decode() == text, "another form of PEM")
        return public, frozenset({"rsassa-pss-sha256", "rsassa-pss"})
    expect(keytype == "ED25519" and HEX.fullmatch(text), f"keytype {keytype}")
    return ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)), frozenset({"ed25519"})


def written(public, encoding):
    return public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_role(root, name):
    roles = root.signed.get("roles")
    role = roles.get(name) if isinstance(roles, dict) else None
    expect(isinstance(role, dict) and isinstance(role.get("keyids"), list), f"no role {name}")
    expect(all(isinstance(keyid, str) for keyid in role["keyids"]), f"keyids of {name}")
    threshold = integer(role.get("threshold"), f"threshold of {name}")
    expect(threshold <= MAX_THRESHOLD, f"threshold of {name}: {threshold}")
    return Role(tuple(role["keyids"]), threshold)


def require_threshold(root, name, document):
    """Raises unless enough keys that `root` lists for the role `name` signed the document."""
    role, keys = read_role(root, name), read_keys(root)
    signers = set()
    for keyid, method, signature in read_signatures(document):
        key = keys.get(keyid) if keyid in role.keyids else None
        if key and method in key.methods and key.verifies(signature, document.message):
            signers.add(key.spki)
    if len(signers) < role.threshold:
        by = f"{name} keys of root version {root.version}"
        raise Refused("signature", f"{len(signers)} of {role.threshold} {by} signed")


def read_signatures(document):
    seen = set()
    for entry in document.signatures:
        whole = isinstance(entry, dict) and entry.keys() == {"keyid", "method", "sig"}
        expect(whole and all(isinstance(text, str) for text in entry.values()), "no signature")
        keyid = entry["keyid"]
        expect(HEX.fullmatch(keyid), f"no keyid: {keyid}")
        expect(keyid not in seen, f"two signatures by {keyid}")
        seen.add(keyid)
        try:
            yield keyid, entry["method"].lower(), base64.b64decode(entry["sig"], validate=True)
        except ValueError as error:
            raise Refused("format", f"signature by {keyid}: {error}") from error


def sha256(data):
    return hashlib.sha256(data).hexdigest()
