#!/usr/bin/env bash
# go-tuf 0.7: after one failed download the client reports success, and has no targets, until the next timestamp.
#
# Expected: an update that failed between timestamp and targets (a 503, a lost connection) is done again by the next
#   Update(), as TUF 5.5 and 5.6 describe. If the client cannot do that, Update() returns an error.
# What happens: the new timestamp is stored before the snapshot is fetched. The next Update() sees a timestamp of the
#   same version, returns early with no error, and never asks for the snapshot or the targets. Targets() is empty, or
#   is the list of before. This lasts until a timestamp with another version is published.
# Why it matters: devices with this client look healthy and miss a release after one bad moment of the network. A
#   backend that renews its timestamp every two days leaves them behind for up to two days. A deployment that starts
#   all its devices during an outage meets this on all of them at once.
# Since when: 0.7.0, the last release before v2. go-tuf v2 2.4.2 loads what it has and fetches what is missing.
# Source: go-tuf client/client.go, Update(): SetMeta("timestamp.json") comes before the download of the snapshot, and
#   sameTimestampVersion returns before it is looked whether snapshot and targets are there.
# Needs: Go 1.25 or later, and the Go module proxy. Valid input only: a repository of go-tuf's own, and one 503.
set -euo pipefail
T=$(mktemp -d); trap 'chmod -R u+w "$T"; rm -rf "$T"' EXIT; cd "$T"
printf 'module finding\n\ngo 1.25.0\n' > go.mod
cat > main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/theupdateframework/go-tuf"
	"github.com/theupdateframework/go-tuf/client"
)

func must(err error) {
	if err != nil {
		fmt.Println("unexpected:", err)
		os.Exit(1)
	}
}

// publish makes a repository with one target, and signs everything anew each time.
func publish(dir string, name string) {
	repo, err := tuf.NewRepo(tuf.FileSystemStore(dir, nil))
	must(err)
	if name == "first.bin" {
		must(repo.Init(true))
		for _, role := range []string{"root", "targets", "snapshot", "timestamp"} {
			_, err := repo.GenKey(role)
			must(err)
		}
	}
	staged := filepath.Join(dir, "staged", "targets")
	must(os.MkdirAll(staged, 0o755))
	must(os.WriteFile(filepath.Join(staged, name), []byte(name), 0o644))
	must(repo.AddTarget(name, nil))
	must(repo.Snapshot())
	must(repo.Timestamp())
	must(repo.Commit())
}

func main() {
	dir := os.Args[1]
	publish(dir, "first.bin")
	failing, snapshots := true, 0
	files := http.FileServer(http.Dir(filepath.Join(dir, "repository")))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "snapshot.json") {
			snapshots++
			if failing {
				http.Error(w, "try again", http.StatusServiceUnavailable)
				return
			}
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	remote, err := client.HTTPRemoteStore(server.URL, nil, nil)
	must(err)
	fleet := client.NewClient(client.MemoryLocalStore(), remote)
	root, err := os.ReadFile(filepath.Join(dir, "repository", "root.json"))
	must(err)
	must(fleet.Init(root))
	update := func(when string) {
		before := snapshots
		_, err := fleet.Update()
		targets, terr := fleet.Targets()
		must(terr)
		fmt.Printf("%s: failed %v, snapshot asked for %d times, targets known %d\n", when, err != nil, snapshots-before, len(targets))
	}
	update("the snapshot is 503")
	failing = false
	update("the server is well again")
	update("once more")
	publish(dir, "second.bin")
	update("after the next publication")
}
GO
go get github.com/theupdateframework/go-tuf@v0.7.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
echo "$(go version), go-tuf $(go list -m -f '{{.Version}}' github.com/theupdateframework/go-tuf)"
go run . "$T/repository-folder" | tee seen
diff - seen <<'SEEN'
the snapshot is 503: failed true, snapshot asked for 1 times, targets known 0
the server is well again: failed false, snapshot asked for 0 times, targets known 0
once more: failed false, snapshot asked for 0 times, targets known 0
after the next publication: failed false, snapshot asked for 1 times, targets known 2
SEEN
echo "CONFIRMED: one failed download, and Update() reports success without targets until the next timestamp"
