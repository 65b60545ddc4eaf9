// Package corpus reads the conformance corpus that every client is held to.
package corpus

import (
	"encoding/json"
	"os"
	"time"

	"holdfast.example/holdfast"
)

// Corpus is clients/corpus/access-tokens.json.
type Corpus struct {
	Issuer   string
	Audience string
	Now      int64
	Skew     int64           `json:"skewSeconds"`
	JWKS     json.RawMessage `json:"jwks"`
	Cases    []Case
}

// Case is a token and the verdict that it is owed.
type Case struct {
	Name, Verdict, Reason, Token string
	// Sensitivity that the route asks for; empty where it asks for nothing.
	Sensitivity string
}

// Requirements of the route.
func (c Case) Requirements() holdfast.Requirements {
	return holdfast.Requirements{Sensitive: c.Sensitivity == "sensitive"}
}

// Read reads the corpus from a file.
func Read(path string) (*Corpus, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var c Corpus
	return &c, json.Unmarshal(data, &c)
}

// Verifier has the issuer, the audience, the clock and the skew of the corpus.
func (c *Corpus) Verifier(keys holdfast.Keys) *holdfast.Verifier {
	return &holdfast.Verifier{
		Issuer:   c.Issuer,
		Audience: c.Audience,
		Keys:     keys,
		Skew:     time.Duration(c.Skew) * time.Second,
		Now:      func() time.Time { return time.Unix(c.Now, 0) },
	}
}
