"""What a device keeps between polls: of each role the document that it trusts, as it was served.

A document is in its place wholly or not at all, whenever the program is killed.
"""

from pathlib import Path

from documents import read_document


class Store:
    def __init__(self, folder):
        self.folder = Path(folder)

    def get(self, role):
        """None where there is none yet."""
        file = self.folder / f"{role}.json"
        return read_document(file.read_bytes(), role) if file.exists() else None

    def put(self, role, document):
        temporary = self.folder / f"{role}.json.new"
        temporary.write_bytes(document.data)
        temporary.replace(self.folder / f"{role}.json")
