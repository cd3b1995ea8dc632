// Devices that follow a Factory by go-tuf v2's updater.
package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
	"rootward/interop/go-tuf/device"
)

func main() {
	device.Serve(poll, func(next device.Poll) string { return next.Folder }, reasonOf)
}

func poll(next device.Poll) error {
	root, err := os.ReadFile(filepath.Join(next.Folder, "root.json"))
	if errors.Is(err, fs.ErrNotExist) {
		root = next.Root
	} else if err != nil {
		return err
	}
	settings, err := config.New(next.URL, root)
	if err != nil {
		return err
	}
	settings.LocalMetadataDir = next.Folder
	settings.LocalTargetsDir = filepath.Join(next.Folder, "targets")
	client, err := updater.New(settings)
	if err != nil {
		return err
	}
	return client.Refresh()
}

// reasons by error; the first that fits.
var reasons = []struct {
	kind error
	word string
}{
	{&metadata.ErrUnsignedMetadata{}, "signature"},
	{&metadata.ErrBadVersionNumber{}, "version"},
	{&metadata.ErrExpiredMetadata{}, "expired"},
	{&metadata.ErrLengthOrHashMismatch{}, "hash"},
	{&metadata.ErrDownloadLengthMismatch{}, "hash"},
	{&metadata.ErrRepository{}, "format"},
	{&metadata.ErrValue{}, "format"},
	{&metadata.ErrDownload{}, "download"},
}

func reasonOf(err error) string {
	for _, reason := range reasons {
		if errors.Is(err, reason.kind) {
			return reason.word
		}
	}
	return "other"
}
