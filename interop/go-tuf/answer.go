// What a device says of itself: what it keeps on disk, and why it refused.

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

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
	for _, role := range []string{metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS} {
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
		if role == metadata.ROOT {
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

type refusal struct {
	Reason string `json:"reason"`
	Says   string `json:"says"`
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

func refusalOf(err error) *refusal {
	if err == nil {
		return nil
	}
	var broken *json.SyntaxError
	if errors.As(err, &broken) {
		return &refusal{"format", err.Error()}
	}
	for _, reason := range reasons {
		if errors.Is(err, reason.kind) {
			return &refusal{reason.word, err.Error()}
		}
	}
	return &refusal{"other", err.Error()}
}
