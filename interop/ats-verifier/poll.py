"""One poll of a device: the client's workflow of the TUF specification, sections 5.3 to 5.6.

Each check is where the specification has it, and a document is kept as soon as it passed them, before
the next one is asked for. One thing is decided later than in 5.3.11: a kept timestamp or snapshot
that the newest root's keys did not sign stays on disk, and is no longer compared with.
"""

from datetime import datetime, timezone

from documents import expect, integer, read_document
from refused import Refused
from signatures import require_threshold, sha256

MAX_ROTATIONS = 256
MAX_LENGTH = {"root": 65_536, "timestamp": 16_384, "snapshot": 2_000_000, "targets": 5_000_000}


def poll(store, fetch, first_root):
    """Brings the store up to what `fetch(file, max_length)` serves; None from it is a 404."""
    now = datetime.now(timezone.utc)
    root = follow_root(store, fetch, first_root)
    require_fresh("root", root, now)  # 5.3.10
    timestamp = update_timestamp(store, fetch, root, now)
    if timestamp is None:
        return
    snapshot = update_snapshot(store, fetch, root, timestamp, now)
    update_targets(store, fetch, root, snapshot, now)


def follow_root(store, fetch, first_root):
    root = store.get("root")
    if root is None:
        root = read_document(first_root, "root")
        require_threshold(root, "root", root)
        store.put("root", root)
    for version in range(root.version + 1, root.version + 1 + MAX_ROTATIONS):
        data = fetch(f"{version}.root.json", MAX_LENGTH["root"])
        if data is None:
            break
        following = read_document(data, "root")
        require_threshold(root, "root", following)  # 5.3.4
        require_threshold(following, "root", following)
        if following.version != version:  # 5.3.5
            raise Refused("version", f"root version {following.version} for {version}")
        root = following
        store.put("root", root)  # 5.3.8
    return root


def update_timestamp(store, fetch, root, now):
    """None where nothing was published yet: a channel may have only a root."""
    trusted = trusted_under(root, store, "timestamp")
    data = fetch("timestamp.json", MAX_LENGTH["timestamp"])
    if data is None and store.get("timestamp") is None:
        return None
    timestamp = read_document(required(data, "timestamp.json"), "timestamp")
    require_threshold(root, "timestamp", timestamp)  # 5.4.2
    if trusted is not None:  # 5.4.3
        if timestamp.version < trusted.version:
            raise Refused("version", f"timestamp {timestamp.version} after {trusted.version}")
        if timestamp.version == trusted.version:
            timestamp = trusted
        before, after = described(trusted, "snapshot"), described(timestamp, "snapshot")
        require_no_less("snapshot", before, after)
    require_fresh("timestamp", timestamp, now)  # 5.4.4
    store.put("timestamp", timestamp)
    return timestamp


def update_snapshot(store, fetch, root, timestamp, now):
    trusted = trusted_under(root, store, "snapshot")
    snapshot = fetch_described(store, fetch, root, timestamp, "snapshot")
    if trusted is not None:  # 5.5.5
        for name in trusted.signed["meta"]:
            role = name.removesuffix(".json")
            require_no_less(role, described(trusted, role), described(snapshot, role))
    require_fresh("snapshot", snapshot, now)  # 5.5.6
    store.put("snapshot", snapshot)
    return snapshot


def update_targets(store, fetch, root, snapshot, now):
    targets = fetch_described(store, fetch, root, snapshot, "targets")
    expect(isinstance(targets.signed.get("targets"), dict), "no targets")
    require_fresh("targets", targets, now)  # 5.6.5
    store.put("targets", targets)


def fetch_described(store, fetch, root, by, role):
    """The document that another one describes: kept already, or served now (5.5.1 to 5.5.4)."""
    version, length, digest = described(by, role)
    document = store.get(role)
    if document is None or sha256(document.data) != digest:
        prefix = f"{version}." if root.signed.get("consistent_snapshot") is True else ""
        data = required(fetch(f"{prefix}{role}.json", length), f"{role}.json")
        if len(data) != length or sha256(data) != digest:
            raise Refused("hash", f"{role}: not the document that is described")
        document = read_document(data, role)
    require_threshold(root, role, document)
    if document.version != version:
        raise Refused("version", f"{role} {document.version} for {version}")
    return document


def described(document, role):
    """Version, length and SHA-256 of a role's document, all of which must be there."""
    meta = document.signed.get("meta")
    entry = meta.get(f"{role}.json") if isinstance(meta, dict) else None
    expect(isinstance(entry, dict) and isinstance(entry.get("hashes"), dict), f"no meta of {role}")
    length = integer(entry.get("length"), "length")
    expect(length <= MAX_LENGTH[role], f"length of {role}: {length}")
    return integer(entry.get("version"), "version"), length, entry["hashes"].get("sha256")


def trusted_under(root, store, role):
    """What is kept of a role, if it is still to be believed under this root."""
    document = store.get(role)
    try:
        if document is not None:
            require_threshold(root, role, document)
    except Refused:
        return None
    return document


def require_no_less(role, before, after):
    if after[0] < before[0]:
        raise Refused("version", f"{role} {after[0]} after {before[0]}")


def require_fresh(role, document, now):
    if document.expires <= now:
        raise Refused("expired", f"{role} has expired: {document.signed['expires']}")


def required(data, file):
    if data is None:
        raise Refused("download", f"{file} is not there")
    return data
