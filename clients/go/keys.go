package holdfast

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Keys finds the key that a token names. [ParseKeySet] and [RemoteKeys] are such.
type Keys interface {
	// Key answers [ErrUnknownKey] for a key id that is not in the set; any other
	// error means that the set could not be had.
	Key(ctx context.Context, id string) (Key, error)
}

// ErrUnknownKey says that the key set is known and has no usable key of that id.
var ErrUnknownKey = errors.New("holdfast: unknown key id")

// Key is a public key with the one algorithm that it is for.
type Key struct {
	// Algorithm is EdDSA, ES256 or RS256.
	Algorithm string
	public    crypto.PublicKey
}

// KeySet is a set that does not change.
type KeySet map[string]Key

// Key implements [Keys].
func (s KeySet) Key(_ context.Context, id string) (Key, error) {
	if key, ok := s[id]; ok {
		return key, nil
	}
	return Key{}, ErrUnknownKey
}

// ParseKeySet reads a JWKS (RFC 7517). Keys that do not say that they sign, by
// which algorithm and under which id, that are too short or of a kind that is not
// in use, are passed over; a set in which nothing is left is an error.
func ParseKeySet(data []byte) (KeySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("holdfast: the key set is not JSON: %w", err)
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("holdfast: the key set has more than %d keys", maxKeys)
	}
	set, names := KeySet{}, map[string]int{}
	for _, raw := range document.Keys {
		var k jwk
		if json.Unmarshal(raw, &k) != nil || k.ID == "" {
			continue
		}
		// Nobody could say which of the two is meant.
		if names[k.ID]++; names[k.ID] > 1 {
			return nil, fmt.Errorf("holdfast: the key set has the key id %q twice", k.ID)
		}
		if k.Use != "sig" {
			continue
		}
		if public := k.public(); public != nil {
			set[k.ID] = Key{Algorithm: k.Algorithm, public: public}
		}
	}
	if len(set) == 0 {
		return nil, errors.New("holdfast: the key set has no usable key")
	}
	return set, nil
}

type jwk struct {
	ID        string `json:"kid"`
	Type      string `json:"kty"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	N         string `json:"n"`
	E         string `json:"e"`
}

const (
	maxKeys     = 32
	minRSABits  = 2048
	maxRSABits  = 4096
	rsaExponent = 65537
)

func (k jwk) public() crypto.PublicKey {
	switch {
	case k.Type == "OKP" && k.Curve == "Ed25519" && k.Algorithm == "EdDSA":
		if x, err := decode(k.X); err == nil && len(x) == ed25519.PublicKeySize {
			return ed25519.PublicKey(x)
		}
	case k.Type == "EC" && k.Curve == "P-256" && k.Algorithm == "ES256":
		x, y := number(k.X), number(k.Y)
		if x != nil && y != nil && elliptic.P256().IsOnCurve(x, y) {
			return &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
		}
	case k.Type == "RSA" && k.Algorithm == "RS256":
		n, e := number(k.N), number(k.E)
		if n != nil && e != nil && n.BitLen() >= minRSABits && n.BitLen() <= maxRSABits &&
			e.Cmp(big.NewInt(rsaExponent)) == 0 {
			return &rsa.PublicKey{N: n, E: rsaExponent}
		}
	}
	return nil
}

func number(text string) *big.Int {
	bytes, err := decode(text)
	if err != nil || len(bytes) == 0 {
		return nil
	}
	return new(big.Int).SetBytes(bytes)
}

// verify tells whether signature is this key's over input.
func (k Key) verify(input, signature []byte) bool {
	digest := sha256.Sum256(input)
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, input, signature)
	case *ecdsa.PublicKey:
		// RFC 7518, section 3.4: r and s, 32 bytes each, never DER.
		if len(signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(public, digest[:], r, s)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}
