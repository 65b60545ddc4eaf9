package holdfast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code says why a request does not pass. The authority and every other client use the same ones.
type Code string

// The codes of refusals. Their status is 401; none of them is a reason to clear a cookie.
const (
	AccessTokenInvalid Code = "access_token_invalid"
	AccessTokenExpired Code = "access_token_expired"
	SessionRevoked     Code = "session_revoked"
	StepUpRequired     Code = "step_up_required"
	TokenMissing       Code = "token_missing"
	TokenDuplicated    Code = "token_duplicated"
)

// Refusal is an expected outcome: the client has to bring something else. Its
// reason is for the log; the client learns the code.
type Refusal struct {
	Code   Code
	Reason string
	// Requirements that a step-up would meet, for the answer of RFC 9470.
	Requirements Requirements
}

// Error implements error.
func (r *Refusal) Error() string { return fmt.Sprintf("holdfast: %s: %s", r.Code, r.Reason) }

// ErrRevocationsUnavailable is the fault of a route that must know of revocations
// and cannot: its feed is blind, or the authority does not answer. 503, never 401.
var ErrRevocationsUnavailable = errors.New("holdfast: revocations_unavailable")

// ErrKeysUnavailable is the fault of a verifier without a key set to verify with. 503, never 401.
var ErrKeysUnavailable = errors.New("holdfast: keys_unavailable")

// FailMode is what happens while the feed of revocations is behind.
type FailMode int

const (
	// AcceptUntilExpiry goes by the tokens alone. They end within 120 seconds, and a
	// revoked session gets no new ones.
	AcceptUntilExpiry FailMode = iota
	// Refuse answers 503 unless the feed is fresh.
	Refuse
)

// Requirements are what a route asks of a token beyond being valid.
type Requirements struct {
	// ACR that the session must have reached here: this one, or a later one of ACROrder. Empty asks
	// for none.
	ACR string
	// MaxAge of the last proof of who the user is. Zero asks for none.
	MaxAge time.Duration
	// Sensitive asks that the authority has judged the request as one of a sensitive route. So the
	// service need not trust that a gateway matches its paths as the service does.
	Sensitive bool
	// Strict asks the authority each time, and refuses when it does not answer.
	Strict bool
	// WhenBlind overrides the fail mode of the verifier when it is Refuse.
	WhenBlind FailMode
}

// Verifier verifies the access tokens of one issuer for one audience.
type Verifier struct {
	// Issuer and Audience are compared exactly.
	Issuer, Audience string
	// Keys of the issuer.
	Keys Keys
	// Skew between the clocks of issuer and verifier; 5 seconds when zero. It may not be more.
	Skew time.Duration
	// Revocations, for example a [Feed]. Without one a session ends with its last token.
	Revocations Revocations
	// WhenBlind says what happens while Revocations is not fresh.
	WhenBlind FailMode
	// Authority to ask on strict routes.
	Authority *Authority
	// ACROrder lists authentication contexts from the weakest to the strongest. Without it they are
	// compared exactly.
	ACROrder []string
	// Now is the clock; time.Now when nil.
	Now func() time.Time

	held held
}

const (
	maxTokenLength = 8192
	maxSkew        = 5 * time.Second
)

// Verify tells what a token says. Its error is a [*Refusal] when the token is
// not good enough, and a fault when that could not be found out.
func (v *Verifier) Verify(
	ctx context.Context, token string, requirements Requirements,
) (*Claims, error) {
	if v.Issuer == "" || v.Audience == "" || v.Keys == nil || v.Skew < 0 || v.Skew > maxSkew {
		return nil, errors.New("holdfast: a verifier needs an issuer, an audience, keys, and a " +
			"skew of at most 5 s")
	}
	claims, err := v.authentic(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := v.alive(ctx, token, claims, requirements); err != nil {
		return nil, err
	}
	if err := v.meets(claims, requirements); err != nil {
		return nil, err
	}
	return claims, nil
}

// authentic checks everything that the token itself shows.
func (v *Verifier) authentic(ctx context.Context, token string) (*Claims, error) {
	if len(token) > maxTokenLength {
		return nil, invalid("longer than a token may be")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, invalid("not three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		data, err := decode(part)
		if err != nil || len(data) == 0 {
			return nil, invalid("a part is not base64url")
		}
		decoded[i] = data
	}
	header, ok := parseHeader(decoded[0])
	if !ok {
		return nil, invalid("the header is not that of an access token")
	}
	key, err := v.Keys.Key(ctx, header.kid)
	if errors.Is(err, ErrUnknownKey) {
		return nil, invalid("unknown key")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKeysUnavailable, err)
	}
	// The key decides the algorithm, never the token.
	if key.Algorithm != header.alg {
		return nil, invalid("the algorithm is not the key's")
	}
	if !key.verify([]byte(token[:len(parts[0])+1+len(parts[1])]), decoded[2]) {
		return nil, invalid("wrong signature")
	}
	claims, times, err := parseClaims(decoded[1])
	if err != nil {
		return nil, invalid(err.Error())
	}
	if err := v.fits(claims, times); err != nil {
		return nil, err
	}
	return claims, nil
}

type header struct{ alg, kid string }

// parseHeader reads the members by their exact names, for the reason that parseClaims has.
func parseHeader(data []byte) (header, bool) {
	var members map[string]json.RawMessage
	if !readsAlike(data) || json.Unmarshal(data, &members) != nil {
		return header{}, false
	}
	// RFC 7515, section 4.1.11: an extension that is not understood refuses the token. None is.
	if _, critical := members["crit"]; critical {
		return header{}, false
	}
	// RFC 7797 is one.
	if _, unencoded := members["b64"]; unencoded {
		return header{}, false
	}
	r := reader{raw: members}
	h := header{alg: r.text("alg", true), kid: r.text("kid", true)}
	typ := strings.ToLower(r.text("typ", true))
	// RFC 9068, section 4.
	return h, !r.bad && (typ == "at+jwt" || typ == "application/at+jwt")
}

func (v *Verifier) fits(claims *Claims, t times) error {
	if claims.Issuer != v.Issuer {
		return invalid("another issuer")
	}
	if !contains(claims.Audience, v.Audience) {
		return invalid("another audience")
	}
	now, skew := v.now().Unix(), int64(or(v.Skew, maxSkew)/time.Second)
	if t.iat > now+skew || t.nbf > now+skew || t.authTime > now+skew {
		return invalid("not yet valid")
	}
	if t.exp+skew <= now {
		return &Refusal{Code: AccessTokenExpired, Reason: "expired"}
	}
	return nil
}

// alive asks whether the session has ended since the token was made.
func (v *Verifier) alive(
	ctx context.Context, token string, claims *Claims, requirements Requirements,
) error {
	if v.Revocations != nil {
		if v.Revocations.IsRevoked(claims) {
			return &Refusal{Code: SessionRevoked, Reason: "revoked"}
		}
		refuse := v.WhenBlind == Refuse || requirements.WhenBlind == Refuse
		if state := v.Revocations.State(); refuse && !requirements.Strict && state != Fresh {
			return fmt.Errorf("%w: the feed is %v", ErrRevocationsUnavailable, state)
		}
	}
	if !requirements.Strict {
		return nil
	}
	if v.Authority == nil {
		return errors.New("holdfast: a strict route needs a verifier with an Authority")
	}
	active, err := v.Authority.Active(ctx, token)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrRevocationsUnavailable, err)
	}
	if !active {
		return &Refusal{Code: SessionRevoked, Reason: "the authority knows of no such session"}
	}
	return nil
}

func (v *Verifier) meets(claims *Claims, requirements Requirements) error {
	wants := &Refusal{Code: StepUpRequired, Requirements: requirements}
	if requirements.ACR != "" && claims.ACR != requirements.ACR &&
		!v.isAbove(claims.ACR, requirements.ACR) {
		wants.Reason = "another acr"
		return wants
	}
	// Without auth_time nothing was proved where the token was asked for.
	if requirements.MaxAge > 0 && (claims.AuthTime.IsZero() ||
		v.now().Sub(claims.AuthTime) > requirements.MaxAge) {
		wants.Reason = "authenticated too long ago"
		return wants
	}
	if requirements.Sensitive && claims.Sensitivity != "sensitive" {
		wants.Reason = "the request was not judged as a sensitive one"
		return wants
	}
	return nil
}

func (v *Verifier) isAbove(have, want string) bool {
	reached := false
	for _, acr := range v.ACROrder {
		reached = reached || acr == want
		if acr == have {
			return reached
		}
	}
	return false
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

func invalid(reason string) *Refusal {
	return &Refusal{Code: AccessTokenInvalid, Reason: reason}
}

func contains(items []string, wanted string) bool {
	for _, item := range items {
		if item == wanted {
			return true
		}
	}
	return false
}
