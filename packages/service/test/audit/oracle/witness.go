// Command witness is a witness (C2SP tlog-witness) on golang.org/x/mod/sumdb, for one log. It reads
// a JSON object with the verifier key of the log and its own seed and name, says at which port it
// listens, and ends with its standard input.
//
//	GO111MODULE=off GOPATH=...:/usr/share/gocode go build witness.go
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type settings struct {
	Log  string
	Name string
	Seed []byte
}

// cosigner signs and verifies as C2SP tlog-cosignature says, version 1.
type cosigner struct {
	name string
	key  ed25519.PrivateKey
}

func (c cosigner) public() ed25519.PublicKey { return c.key.Public().(ed25519.PublicKey) }

func (c cosigner) Name() string { return c.name }

func (c cosigner) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(c.name+"\n\x04"), c.public()...))
	return binary.BigEndian.Uint32(sum[:])
}

func message(text []byte, at uint64) []byte {
	return append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", at)), text...)
}

func (c cosigner) Sign(text []byte) ([]byte, error) {
	at := uint64(time.Now().Unix())
	signature := ed25519.Sign(c.key, message(text, at))
	return append(binary.BigEndian.AppendUint64(nil, at), signature...), nil
}

func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	return ed25519.Verify(c.public(), message(text, at), signature[8:])
}

type witness struct {
	cosigner cosigner
	verifier note.Verifier
	size     int64
	root     tlog.Hash
}

func main() {
	input := bufio.NewReader(os.Stdin)
	var given settings
	must(json.NewDecoder(input).Decode(&given))
	verifier, err := note.NewVerifier(given.Log)
	must(err)
	key := ed25519.NewKeyFromSeed(given.Seed)
	one := &witness{cosigner: cosigner{given.Name, key}, verifier: verifier}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.HandleFunc("/add-checkpoint", one.add)
	http.HandleFunc("/verify", one.verify)
	go func() { must(http.Serve(listener, nil)) }()
	io.Copy(io.Discard, input)
}

func (w *witness) add(out http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	must(err)
	head, checkpoint, found := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || !strings.HasPrefix(lines[0], "old ") {
		http.Error(out, "no request", http.StatusBadRequest)
		return
	}
	old, err := strconv.ParseInt(lines[0][len("old "):], 10, 64)
	must(err)
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		must(err)
		var one tlog.Hash
		copy(one[:], hash)
		proof = append(proof, one)
	}
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(w.verifier))
	if err != nil {
		http.Error(out, err.Error(), http.StatusForbidden)
		return
	}
	parts := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(parts[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(parts[2])
	must(err)
	if old != w.size || (old == size && root != w.root) {
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintf(out, "%d\n", w.size)
		return
	}
	if old > 0 && old < size {
		err = tlog.CheckTree(proof, size, root, old, w.root)
	}
	if err != nil {
		http.Error(out, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.size, w.root = size, root
	signed, err := note.Sign(&note.Note{Text: opened.Text}, w.cosigner)
	must(err)
	_, line, _ := strings.Cut(string(signed), "\n\n")
	io.WriteString(out, line)
}

// verify says whether a note that it is given has a cosignature under the key of this witness.
func (w *witness) verify(out http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	must(err)
	opened, err := note.Open(body, note.VerifierList(w.cosigner))
	if err != nil {
		http.Error(out, err.Error(), http.StatusForbidden)
		return
	}
	io.WriteString(out, opened.Text)
}

func must(err error) {
	if err != nil {
		log.Panic(err)
	}
}
