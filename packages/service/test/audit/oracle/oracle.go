// Command oracle answers what golang.org/x/mod/sumdb makes of the same leaves and notes. The Debian
// package golang-golang-x-mod-dev has its source.
//
//	GO111MODULE=off GOPATH=...:/usr/share/gocode go run oracle.go < QUESTIONS.json
package main

import (
	"encoding/json"
	"log"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type questions struct {
	Leaves      [][]byte
	Roots       []int64
	Inclusion   []pair
	Consistency []pair
	Key         string
	Verifier    string
	Text        string
	Notes       []string
}

// pair is a leaf or a smaller tree, and a tree.
type pair struct{ From, Size int64 }

type answers struct {
	Roots       []tlog.Hash   `json:"roots"`
	Inclusion   [][]tlog.Hash `json:"inclusion"`
	Consistency [][]tlog.Hash `json:"consistency"`
	Signed      string        `json:"signed"`
	Texts       []string      `json:"texts"`
}

type hashes []tlog.Hash

func (stored hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	read := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		read[at] = stored[index]
	}
	return read, nil
}

func main() {
	var asked questions
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	var stored hashes
	for number, leaf := range asked.Leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(number), hashOf(leaf), stored)
		must(err)
		stored = append(stored, more...)
	}

	var told answers
	for _, size := range asked.Roots {
		root, err := tlog.TreeHash(size, stored)
		must(err)
		told.Roots = append(told.Roots, root)
	}
	for _, one := range asked.Inclusion {
		proof, err := tlog.ProveRecord(one.Size, one.From, stored)
		must(err)
		told.Inclusion = append(told.Inclusion, append([]tlog.Hash{}, proof...))
	}
	for _, one := range asked.Consistency {
		proof, err := tlog.ProveTree(one.Size, one.From, stored)
		must(err)
		told.Consistency = append(told.Consistency, append([]tlog.Hash{}, proof...))
	}

	signer, err := note.NewSigner(asked.Key)
	must(err)
	signed, err := note.Sign(&note.Note{Text: asked.Text}, signer)
	must(err)
	told.Signed = string(signed)
	verifier, err := note.NewVerifier(asked.Verifier)
	must(err)
	for _, one := range asked.Notes {
		opened, err := note.Open([]byte(one), note.VerifierList(verifier))
		if err != nil {
			told.Texts = append(told.Texts, "")
		} else {
			told.Texts = append(told.Texts, opened.Text)
		}
	}
	must(json.NewEncoder(os.Stdout).Encode(told))
}

// hashOf is the hash of a leaf; of a stub, which has the place of a line, the one that is in it.
func hashOf(leaf []byte) tlog.Hash {
	hash := tlog.RecordHash(leaf)
	var line struct {
		Kind string
		Leaf []byte
	}
	if json.Unmarshal(leaf, &line) == nil && line.Kind == "stub" {
		copy(hash[:], line.Leaf)
	}
	return hash
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
