// Devices that follow a Factory by the client of go-tuf before v2, which many have and which is no longer
// worked on.
package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/theupdateframework/go-tuf/client"
	store "github.com/theupdateframework/go-tuf/client/filejsonstore"
	"github.com/theupdateframework/go-tuf/verify"
	"rootward/interop/go-tuf/device"
)

func main() {
	device.Serve(poll, kept, reasonOf)
}

// kept is a folder of its own, since the store takes none that others may read.
func kept(next device.Poll) string {
	return filepath.Join(next.Folder, "kept")
}

func poll(next device.Poll) error {
	local, err := store.NewFileJSONStore(kept(next))
	if err != nil {
		return err
	}
	options := &client.HTTPRemoteOptions{MetadataPath: "/", TargetsPath: "/targets"}
	remote, err := client.HTTPRemoteStore(next.URL, options, nil)
	if err != nil {
		return err
	}
	fleet := client.NewClient(local, remote)
	if _, err := os.Stat(filepath.Join(kept(next), "root.json")); err != nil {
		if err := fleet.Init(next.Root); err != nil {
			return err
		}
	}
	_, err = fleet.Update()
	return err
}

func reasonOf(err error) string {
	var failed client.ErrDecodeFailed
	if errors.As(err, &failed) {
		err = failed.Err
	}
	var threshold verify.ErrRoleThreshold
	var low verify.ErrLowVersion
	var expired verify.ErrExpired
	switch {
	case errors.As(err, &threshold), errors.Is(err, verify.ErrInvalid), errors.Is(err, verify.ErrNoSignatures):
		return "signature"
	case errors.As(err, &low):
		return "version"
	case errors.As(err, &expired):
		return "expired"
	}
	return "other"
}
