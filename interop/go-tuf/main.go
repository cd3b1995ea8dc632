// Devices that follow a Factory by go-tuf's updater.
//
// Reads one JSON object per line, {"folder", "url", "root"}, polls once as the device in that folder,
// and answers with one line, {"held", "refusal"} (interop/fleet/holdings.ts). A device is built with
// version 1 of the root, in base64, and is told nothing else; from then on it starts from the root
// that it kept.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

type request struct {
	Folder string `json:"folder"`
	URL    string `json:"url"`
	Root   []byte `json:"root"`
}

type answer struct {
	Held    map[string]*held `json:"held"`
	Refusal *refusal         `json:"refusal"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var next request
		if err := requests.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		refused := poll(next)
		holdings, err := readHoldings(next.Folder)
		if err != nil {
			return err
		}
		if err := answers.Encode(answer{Held: holdings, Refusal: refusalOf(refused)}); err != nil {
			return err
		}
	}
}

func poll(next request) error {
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
