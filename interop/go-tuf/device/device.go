// Package device is what all devices by a client in Go share. A device reads one JSON object per line,
// {"folder", "url", "root"}, polls once with what is in that folder, and answers with one line, {"held",
// "refusal"} (interop/fleet/holdings.ts). A device is built with version 1 of the root, in base64, and is told
// nothing else; from then on it starts from what it kept.
package device

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Poll is one request.
type Poll struct {
	Folder string `json:"folder"`
	URL    string `json:"url"`
	Root   []byte `json:"root"`
}

type answer struct {
	Held    map[string]*held `json:"held"`
	Refusal *refusal         `json:"refusal"`
}

// Serve answers each request of standard input.
//
// poll polls once; kept names the folder of the files that it keeps; reasonOf says in a word why it refused.
func Serve(poll func(Poll) error, kept func(Poll) string, reasonOf func(error) string) {
	if err := serve(poll, kept, reasonOf); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(poll func(Poll) error, kept func(Poll) string, reasonOf func(error) string) error {
	requests, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var next Poll
		if err := requests.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var refused *refusal
		if err := poll(next); err != nil {
			refused = &refusal{reason(err, reasonOf), err.Error()}
		}
		holdings, err := readHoldings(kept(next))
		if err != nil {
			return err
		}
		if err := answers.Encode(answer{Held: holdings, Refusal: refused}); err != nil {
			return err
		}
	}
}

func reason(err error, reasonOf func(error) string) string {
	var broken *json.SyntaxError
	if errors.As(err, &broken) {
		return "format"
	}
	return reasonOf(err)
}

type refusal struct {
	Reason string `json:"reason"`
	Says   string `json:"says"`
}

type held struct {
	Version int64    `json:"version"`
	KeyIDs  []string `json:"keyids"`
	SHA256  string   `json:"sha256"`
}

type document struct {
	Signatures []struct {
		KeyID string `json:"keyid"`
	} `json:"signatures"`
	Signed struct {
		Version int64 `json:"version"`
		Roles   map[string]struct {
			KeyIDs []string `json:"keyids"`
		} `json:"roles"`
	} `json:"signed"`
}

// readHoldings reads what the updater keeps, which is what it starts from next time.
func readHoldings(folder string) (map[string]*held, error) {
	holdings := map[string]*held{}
	var root document
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		data, err := os.ReadFile(filepath.Join(folder, role+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			holdings[role] = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		var kept document
		if err := json.Unmarshal(data, &kept); err != nil {
			return nil, err
		}
		if role == "root" {
			root = kept
		}
		digest := sha256.Sum256(data)
		holdings[role] = &held{
			Version: kept.Signed.Version,
			KeyIDs:  signers(kept, root.Signed.Roles[role].KeyIDs),
			SHA256:  hex.EncodeToString(digest[:]),
		}
	}
	return holdings, nil
}

// signers are the keys listed that are among the signatures.
func signers(kept document, listed []string) []string {
	keyids := []string{}
	for _, signature := range kept.Signatures {
		if slices.Contains(listed, signature.KeyID) {
			keyids = append(keyids, signature.KeyID)
		}
	}
	slices.Sort(keyids)
	return slices.Compact(keyids)
}
