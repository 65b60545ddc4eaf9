package holdfast_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"holdfast.example/holdfast"
)

const (
	issuer   = "https://auth.example"
	audience = "orders"
)

// authority signs tokens with a key of its own, at a time that tests move.
type authority struct {
	mu      sync.Mutex
	time    time.Time
	private ed25519.PrivateKey
	jwks    []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	jwks := fmt.Sprintf(
		`{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","use":"sig","x":"%s"}]}`,
		b64(public),
	)
	return &authority{time: time.Unix(1_800_000_000, 0), private: private, jwks: []byte(jwks)}
}

func (a *authority) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.time
}

func (a *authority) pass(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.time = a.time.Add(d)
}

// token with some claims changed; nil takes one out.
func (a *authority) token(changed map[string]any) string {
	now := a.now().Unix()
	claims := map[string]any{
		"iss": issuer, "aud": audience, "sub": "ada", "client_id": "holdfast", "jti": "t1",
		"sid": session(1, 1),
		"iat": now, "exp": now + 90, "auth_time": now - 60, "acr": "mfa",
		"amr": []string{"pwd", "otp"}, "gen": 5,
	}
	for name, value := range changed {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return a.sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}`, claims)
}

func (a *authority) sign(header string, claims any) string {
	body, _ := json.Marshal(claims)
	input := b64([]byte(header)) + "." + b64(body)
	return input + "." + b64(ed25519.Sign(a.private, []byte(input)))
}

func (a *authority) verifier(t *testing.T) *holdfast.Verifier {
	t.Helper()
	keys, err := holdfast.ParseKeySet(a.jwks)
	if err != nil {
		t.Fatal(err)
	}
	return &holdfast.Verifier{Issuer: issuer, Audience: audience, Keys: keys, Now: a.now}
}

// session is the id of a session of a subject; both are told apart by one byte.
func session(subject, number byte) string {
	id := make([]byte, 32)
	for i := range id {
		if id[i] = subject; i >= 16 {
			id[i] = number
		}
	}
	return b64(id)
}

// subjectKey is spelled on its own: it is no prefix of the spelling of a session id.
func subjectKey(subject byte) string {
	key := make([]byte, 16)
	for i := range key {
		key[i] = subject
	}
	return b64(key)
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
