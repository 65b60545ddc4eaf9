package holdfast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
)

type claimsKey struct{}

// ClaimsFrom is what the verified token of a request says; nil outside of [Verifier.Middleware].
func ClaimsFrom(ctx context.Context) *Claims {
	claims, _ := ctx.Value(claimsKey{}).(*Claims)
	return claims
}

// Middleware hands on requests whose token is valid and meets the requirements, with
// the claims in their context, and answers the others as RFC 6750 and RFC 9470
// have it. It reads the Authorization header and nothing else: identity in any
// other header is somebody's claim.
func (v *Verifier) Middleware(requirements Requirements, next http.Handler) http.Handler {
	if requirements.Strict && v.Authority == nil {
		panic("holdfast: a strict route needs a verifier with an Authority")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := bearer(r.Header)
		if err != nil {
			Answer(w, err)
			return
		}
		claims, err := v.Verify(r.Context(), token, requirements)
		if err != nil {
			Answer(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
	})
}

// bearer is the one token of a request. Two Authorization headers are two
// opinions of who asks; none is believed.
func bearer(headers http.Header) (string, error) {
	values := headers.Values("Authorization")
	if len(values) > 1 {
		return "", &Refusal{Code: TokenDuplicated, Reason: "more than one Authorization header"}
	}
	if len(values) == 0 {
		return "", &Refusal{Code: TokenMissing, Reason: "no Authorization header"}
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", &Refusal{Code: TokenMissing, Reason: "no bearer token"}
	}
	return token, nil
}

// Answer writes the response to an error of [Verifier.Verify]: 401 with a
// challenge for a refusal, 503 for everything else, which is also logged. The
// body is a problem document (RFC 9457) whose code is the one of the refusal.
func Answer(w http.ResponseWriter, err error) {
	var refusal *Refusal
	status, code := http.StatusServiceUnavailable, Code("internal_error")
	switch {
	case errors.As(err, &refusal):
		status, code = http.StatusUnauthorized, refusal.Code
		w.Header().Set("WWW-Authenticate", challenge(refusal))
	case errors.Is(err, ErrRevocationsUnavailable):
		code = "revocations_unavailable"
	case errors.Is(err, ErrKeysUnavailable):
		code = "keys_unavailable"
	}
	if refusal == nil {
		log.Printf("%v", err)
		w.Header().Set("Retry-After", "1")
	}
	body, _ := json.Marshal(map[string]any{
		"type":   "urn:holdfast:code:" + code,
		"title":  strings.ReplaceAll(string(code), "_", " "),
		"status": status,
		"code":   code,
	})
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// challenge is the WWW-Authenticate value. A request without a token gets no
// error code (RFC 6750, section 3.1).
func challenge(refusal *Refusal) string {
	switch refusal.Code {
	case TokenMissing:
		return "Bearer"
	case StepUpRequired:
		text := `Bearer error="insufficient_user_authentication", ` +
			`error_description="step_up_required"`
		if acr := refusal.Requirements.ACR; acr != "" {
			text += fmt.Sprintf(`, acr_values="%s"`, strings.Map(quotable, acr))
		}
		if age := refusal.Requirements.MaxAge; age > 0 {
			text += fmt.Sprintf(`, max_age="%d"`, int64(age.Seconds()))
		}
		return text
	default:
		return fmt.Sprintf(`Bearer error="invalid_token", error_description="%s"`, refusal.Code)
	}
}

// quotable drops what would end a quoted string.
func quotable(letter rune) rune {
	if letter < ' ' || letter > '~' || letter == '"' || letter == '\\' {
		return -1
	}
	return letter
}
