package holdfast_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"holdfast.example/holdfast"
)

// codeOf is the code of a refusal, "fault" for other errors, and "" for none.
func codeOf(err error) holdfast.Code {
	var refusal *holdfast.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Code
	default:
		return "fault"
	}
}

func TestVerifiedClaimsSayWhatTheTokenSays(t *testing.T) {
	a := newAuthority(t)

	claims, err := a.verifier(t).Verify(
		context.Background(), a.token(map[string]any{"tid": "t7", "scope": "x"}),
		holdfast.Requirements{},
	)

	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != "ada" || claims.SessionID != session(1, 1) || claims.Generation != 5 ||
		claims.Tenant != "t7" {
		t.Errorf("%+v", claims)
	}
	if claims.ACR != "mfa" || len(claims.AMR) != 2 ||
		!claims.AuthTime.Equal(a.now().Add(-time.Minute)) {
		t.Errorf("%+v", claims)
	}
	if string(claims.Raw["scope"]) != `"x"` {
		t.Errorf("%s", claims.Raw["scope"])
	}
}

func TestDemands(t *testing.T) {
	a := newAuthority(t)
	for name, row := range map[string]struct {
		changed      map[string]any
		requirements holdfast.Requirements
		code         holdfast.Code
	}{
		"the acr is reached": {nil, holdfast.Requirements{ACR: "mfa"}, ""},
		"another acr is not enough": {
			nil, holdfast.Requirements{ACR: "hardware"}, holdfast.StepUpRequired,
		},
		"no acr is not enough": {
			map[string]any{"acr": nil}, holdfast.Requirements{ACR: "mfa"}, holdfast.StepUpRequired,
		},
		"judged as sensitive": {
			map[string]any{"sensitivity": "sensitive"}, holdfast.Requirements{Sensitive: true}, "",
		},
		"not judged as sensitive": {
			nil, holdfast.Requirements{Sensitive: true}, holdfast.StepUpRequired,
		},
		"fresh enough": {
			nil, holdfast.Requirements{MaxAge: time.Minute}, "",
		},
		"a second too old": {
			nil, holdfast.Requirements{MaxAge: 59 * time.Second}, holdfast.StepUpRequired,
		},
		"no time of authentication is never fresh": {
			map[string]any{"auth_time": nil}, holdfast.Requirements{MaxAge: time.Hour},
			holdfast.StepUpRequired,
		},
		"expired": {
			map[string]any{"exp": a.now().Unix() - 5}, holdfast.Requirements{},
			holdfast.AccessTokenExpired,
		},
		"strict without an authority is a mistake": {
			nil, holdfast.Requirements{Strict: true}, "fault",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.verifier(t).Verify(
				context.Background(), a.token(row.changed), row.requirements,
			)
			if codeOf(err) != row.code {
				t.Errorf("%v, not %q", err, row.code)
			}
		})
	}
}

func TestAnOrderedACRIsReachedByTheLaterOnes(t *testing.T) {
	a := newAuthority(t)
	verifier := a.verifier(t)
	verifier.ACROrder = []string{"pwd", "mfa", "hardware"}
	for want, code := range map[string]holdfast.Code{
		"pwd": "", "mfa": "", "hardware": holdfast.StepUpRequired, "other": holdfast.StepUpRequired,
	} {
		if _, err := verifier.Verify(
			context.Background(), a.token(nil), holdfast.Requirements{ACR: want},
		); codeOf(err) != code {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := verifier.Verify(
		context.Background(), a.token(map[string]any{"acr": "odd"}),
		holdfast.Requirements{ACR: "pwd"},
	); codeOf(err) != holdfast.StepUpRequired {
		t.Errorf("an acr that is not in the order: %v", err)
	}
}

func TestAVerifierWithoutAudienceIsAMistakeAndNotAnOpenDoor(t *testing.T) {
	a := newAuthority(t)
	for name, change := range map[string]func(*holdfast.Verifier){
		"audience": func(v *holdfast.Verifier) { v.Audience = "" },
		"issuer":   func(v *holdfast.Verifier) { v.Issuer = "" },
		"keys":     func(v *holdfast.Verifier) { v.Keys = nil },
		"skew":     func(v *holdfast.Verifier) { v.Skew = time.Minute },
	} {
		verifier := a.verifier(t)
		change(verifier)
		if _, err := verifier.Verify(
			context.Background(), a.token(nil), holdfast.Requirements{},
		); codeOf(err) != "fault" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// known is a feed in a state, with some sessions revoked.
type known struct {
	state   holdfast.State
	revoked string
}

func (k known) State() holdfast.State { return k.state }
func (k known) IsRevoked(claims *holdfast.Claims) bool {
	return claims.SessionID == k.revoked
}

func (k known) OnRevoked(func(func(*holdfast.Claims) bool)) func() { return func() {} }

func TestFailModes(t *testing.T) {
	a := newAuthority(t)
	for name, row := range map[string]struct {
		known        known
		mode         holdfast.FailMode
		requirements holdfast.Requirements
		code         holdfast.Code
	}{
		"fresh": {
			known{state: holdfast.Fresh}, holdfast.Refuse, holdfast.Requirements{}, "",
		},
		"stale goes by the tokens": {
			known{state: holdfast.Stale}, holdfast.AcceptUntilExpiry, holdfast.Requirements{}, "",
		},
		"stale refuses": {
			known{state: holdfast.Stale}, holdfast.Refuse, holdfast.Requirements{}, "fault",
		},
		"blind goes by the tokens": {
			known{state: holdfast.Blind}, holdfast.AcceptUntilExpiry, holdfast.Requirements{}, "",
		},
		"blind refuses": {
			known{state: holdfast.Blind}, holdfast.Refuse, holdfast.Requirements{}, "fault",
		},
		"blind refuses on one route": {
			known{state: holdfast.Blind}, holdfast.AcceptUntilExpiry,
			holdfast.Requirements{WhenBlind: holdfast.Refuse}, "fault",
		},
		"revoked": {
			known{state: holdfast.Fresh, revoked: session(1, 1)}, holdfast.AcceptUntilExpiry,
			holdfast.Requirements{}, holdfast.SessionRevoked,
		},
		"what is known counts even if blind": {
			known{state: holdfast.Blind, revoked: session(1, 1)}, holdfast.AcceptUntilExpiry,
			holdfast.Requirements{}, holdfast.SessionRevoked,
		},
	} {
		t.Run(name, func(t *testing.T) {
			verifier := a.verifier(t)
			verifier.Revocations, verifier.WhenBlind = row.known, row.mode
			_, err := verifier.Verify(context.Background(), a.token(nil), row.requirements)
			if codeOf(err) != row.code {
				t.Errorf("%v, not %q", err, row.code)
			}
			if row.code == "fault" && !errors.Is(err, holdfast.ErrRevocationsUnavailable) {
				t.Errorf("another fault: %v", err)
			}
		})
	}
}

func TestAStrictRouteAsksTheAuthorityEachTime(t *testing.T) {
	a := newAuthority(t)
	status, body, asked := 200, `{"active":true}`, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Method != "POST" || r.URL.Path != "/v1/introspect" || r.FormValue("token") == "" ||
			r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	verifier := a.verifier(t)
	verifier.Authority = &holdfast.Authority{URL: server.URL, Key: "key"}

	for _, row := range []struct {
		status int
		body   string
		code   holdfast.Code
	}{
		{200, `{"active":true}`, ""},
		{200, `{"active":false}`, holdfast.SessionRevoked},
		{200, `{}`, "fault"},
		{200, `{"active":"true"}`, "fault"},
		{503, `{"active":true}`, "fault"},
		{302, `{"active":true}`, "fault"},
	} {
		status, body = row.status, row.body
		_, err := verifier.Verify(
			context.Background(), a.token(nil), holdfast.Requirements{Strict: true},
		)
		if codeOf(err) != row.code {
			t.Errorf("%d %s: %v", row.status, row.body, err)
		}
	}
	if asked != 6 {
		t.Errorf("asked %d times", asked)
	}

	server.Close()
	_, err := verifier.Verify(
		context.Background(), a.token(nil), holdfast.Requirements{Strict: true},
	)
	if !errors.Is(err, holdfast.ErrRevocationsUnavailable) {
		t.Errorf("an authority that is away: %v", err)
	}
}
