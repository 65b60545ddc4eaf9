package holdfast

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"time"
)

// Claims are what a verified token says.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string
	ClientID string
	// SessionID is public: it may be logged, and it is what the feed names.
	SessionID string
	TokenID   string
	IssuedAt  time.Time
	Expires   time.Time
	// AuthTime is when the user last proved who they are; zero when the token does not say.
	AuthTime time.Time
	// ACR and AMR say how they proved it, as far as it counts where the token was asked for.
	ACR string
	AMR []string
	// Generation of the subject that was current at the session's login.
	Generation int64
	// Tenant is empty for the default one.
	Tenant string
	// Sensitivity is "sensitive" where the request was judged as one of a sensitive route.
	Sensitivity string
	// Raw has every claim as it stands in the token.
	Raw map[string]json.RawMessage

	subject string
}

// maxExact is the largest integer that every language reads alike.
const maxExact = 1<<53 - 1

var (
	errClaims = errors.New("a claim is missing or of the wrong type")
	errBound  = errors.New("cnf binds it to a key, and no proof is checked here")
)

// parseClaims reads claims by their exact names. A struct would not do:
// encoding/json folds the case of member names, so that "EXP" would overwrite "exp".
func parseClaims(data []byte) (*Claims, times, error) {
	raw := map[string]json.RawMessage{}
	if !readsAlike(data) || json.Unmarshal(data, &raw) != nil || raw == nil {
		return nil, times{}, errClaims
	}
	// RFC 7800: whoever takes it as a bearer token lets a thief in whom the binding would stop.
	if _, bound := raw["cnf"]; bound {
		return nil, times{}, errBound
	}
	r := reader{raw: raw}
	c := &Claims{
		Issuer:     r.text("iss", true),
		Subject:    r.text("sub", true),
		Audience:   r.audience(),
		ClientID:   r.text("client_id", true),
		SessionID:  r.text("sid", true),
		TokenID:    r.text("jti", true),
		ACR:        r.text("acr", false),
		AMR:        r.texts("amr"),
		Generation: r.integer("gen", true),
		Tenant:     r.text("tid", false),

		Sensitivity: r.text("sensitivity", false),
		Raw:         raw,
	}
	t := times{
		exp: r.integer("exp", true),
		iat: r.integer("iat", true),
		nbf: r.integer("nbf", false),
	}
	c.IssuedAt, c.Expires = time.Unix(t.iat, 0), time.Unix(t.exp, 0)
	if t.authTime = r.integer("auth_time", false); t.authTime > 0 {
		c.AuthTime = time.Unix(t.authTime, 0)
	}
	c.subject = subjectOf(c.SessionID)
	if r.bad || c.subject == "" {
		return nil, times{}, errClaims
	}
	return c, t, nil
}

// times in whole seconds, as the token has them.
type times struct{ exp, iat, nbf, authTime int64 }

// reader remembers whether anything was wrong, so that its caller asks once.
type reader struct {
	raw map[string]json.RawMessage
	bad bool
}

func (r *reader) read(name string, required bool, into any) bool {
	value, there := r.raw[name]
	if !there && !required {
		return false
	}
	if !there || string(value) == "null" || hasHalfPair(value) ||
		json.Unmarshal(value, into) != nil {
		r.bad = true
		return false
	}
	return true
}

func (r *reader) text(name string, required bool) string {
	var s string
	if r.read(name, required, &s) && s == "" && required {
		r.bad = true
	}
	return s
}

func (r *reader) integer(name string, required bool) int64 {
	var n float64
	if r.read(name, required, &n) && (n < 0 || n > maxExact || n != math.Trunc(n)) {
		r.bad = true
	}
	return int64(n)
}

func (r *reader) texts(name string) []string {
	var items []*string
	if !r.read(name, false, &items) {
		return nil
	}
	texts := make([]string, 0, len(items))
	for _, item := range items {
		if item == nil {
			r.bad = true
			return nil
		}
		texts = append(texts, *item)
	}
	return texts
}

func (r *reader) audience() []string {
	var one string
	if value := r.raw["aud"]; len(value) > 0 && value[0] == '"' {
		r.read("aud", true, &one)
		return []string{one}
	}
	if _, there := r.raw["aud"]; !there {
		r.bad = true
	}
	return r.texts("aud")
}

// decode reads base64url in its one canonical spelling (RFC 4648, section 5):
// Strict refuses stray bits, the loop the line feeds that the package would skip.
func decode(text string) ([]byte, error) {
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' || text[i] == '\r' {
			return nil, base64.CorruptInputError(i)
		}
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

const (
	sessionIDBytes  = 32
	subjectKeyBytes = 16
)

// subjectOf is the key of the subject in front of a session id: its first 16
// bytes, spelled anew, because they do not end where a character ends. Empty
// for what is no session id.
func subjectOf(sessionID string) string {
	if len(sessionID) != base64.RawURLEncoding.EncodedLen(sessionIDBytes) {
		return ""
	}
	id, err := decode(sessionID)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:subjectKeyBytes])
}
