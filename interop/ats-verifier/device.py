"""Devices that follow a channel of an ats Factory by a verifier of their own.

It shares no code with Rootward: Python's standard library and the `cryptography` package. Reads one
JSON object per line, {"folder", "url", "root"}, polls once as the device in that folder, and answers
with one line, {"held", "refusal"} (interop/fleet/holdings.ts). A device is built with version 1 of
the root, in base64, and is told nothing else.
"""

import base64
import http.client
import json
import sys
import urllib.error
import urllib.request

from poll import poll
from refused import Refused
from signatures import read_role, sha256
from store import Store

ROLES = ("root", "timestamp", "snapshot", "targets")

# All servers are on this machine, so no proxy comes between.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetcher(url):
    def fetch(file, max_length):
        try:
            with OPENER.open(f"{url}/{file}") as response:
                data = response.read(max_length + 1)
        except urllib.error.HTTPError as error:
            if error.code in (403, 404):
                return None
            raise Refused("download", f"{file}: {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Refused("download", f"{file}: {error}") from error
        if len(data) > max_length:
            raise Refused("hash", f"{file}: more than {max_length} bytes")
        return data

    return fetch


def held(store):
    root = store.get("root")
    documents = {role: store.get(role) for role in ROLES}
    return {
        role: document
        and {
            "version": document.version,
            "keyids": sorted(
                {signature["keyid"] for signature in document.signatures}
                & set(read_role(root, role).keyids)
            ),
            "sha256": sha256(document.data),
        }
        for role, document in documents.items()
    }


for line in sys.stdin:
    request = json.loads(line)
    store, refusal = Store(request["folder"]), None
    try:
        poll(store, fetcher(request["url"]), base64.b64decode(request["root"]))
    except Refused as error:
        refusal = {"reason": error.reason, "says": str(error)}
    print(json.dumps({"held": held(store), "refusal": refusal}), flush=True)
