package holdfast_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"holdfast.example/holdfast"
)

func TestMiddleware(t *testing.T) {
	a := newAuthority(t)
	blind := a.verifier(t)
	blind.Revocations, blind.WhenBlind = known{state: holdfast.Blind}, holdfast.Refuse
	keyless := a.verifier(t)
	keyless.Keys = &holdfast.RemoteKeys{URL: "http://127.0.0.1:1/"}
	good := "Bearer " + a.token(nil)

	for name, row := range map[string]struct {
		verifier      *holdfast.Verifier
		requirements  holdfast.Requirements
		authorization []string
		status        int
		code          string
		challenge     string
	}{
		"a valid token": {nil, holdfast.Requirements{}, []string{good}, 200, "", ""},
		"the scheme has no case": {
			nil, holdfast.Requirements{}, []string{"bEARER " + a.token(nil)}, 200, "", "",
		},
		"no header": {
			nil, holdfast.Requirements{}, nil, 401, "token_missing", "Bearer",
		},
		"another scheme": {
			nil, holdfast.Requirements{}, []string{"Basic YTpi"}, 401, "token_missing", "Bearer",
		},
		"a scheme alone": {
			nil, holdfast.Requirements{}, []string{"Bearer "}, 401, "token_missing", "Bearer",
		},
		"two headers": {
			nil, holdfast.Requirements{}, []string{good, good}, 401, "token_duplicated",
			`Bearer error="invalid_token", error_description="token_duplicated"`,
		},
		"two tokens in one header": {
			nil, holdfast.Requirements{}, []string{good + ", " + good}, 401, "access_token_invalid",
			`Bearer error="invalid_token", error_description="access_token_invalid"`,
		},
		"two spaces": {
			nil, holdfast.Requirements{}, []string{"Bearer  " + a.token(nil)}, 401,
			"access_token_invalid",
			`Bearer error="invalid_token", error_description="access_token_invalid"`,
		},
		"an expired token": {
			nil, holdfast.Requirements{}, []string{"Bearer " + a.token(map[string]any{"exp": 1})},
			401, "access_token_expired",
			`Bearer error="invalid_token", error_description="access_token_expired"`,
		},
		"a step-up": {
			nil, holdfast.Requirements{ACR: "hw", MaxAge: 5 * time.Minute}, []string{good},
			401, "step_up_required",
			`Bearer error="insufficient_user_authentication", ` +
				`error_description="step_up_required", acr_values="hw", max_age="300"`,
		},
		"a blind feed": {
			blind, holdfast.Requirements{}, []string{good}, 503, "revocations_unavailable", "",
		},
		"no keys to be had": {
			keyless, holdfast.Requirements{}, []string{good}, 503, "keys_unavailable", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			verifier := row.verifier
			if verifier == nil {
				verifier = a.verifier(t)
			}
			handler := verifier.Middleware(row.requirements, http.HandlerFunc(func(
				w http.ResponseWriter, r *http.Request,
			) {
				_, _ = io.WriteString(w, holdfast.ClaimsFrom(r.Context()).Subject)
			}))
			request := httptest.NewRequest("GET", "/", nil)
			request.Header["Authorization"] = row.authorization
			request.Header.Set("X-User-Id", "eve")
			answer := httptest.NewRecorder()

			handler.ServeHTTP(answer, request)

			if answer.Code != row.status ||
				answer.Header().Get("WWW-Authenticate") != row.challenge {
				t.Errorf("%d %v", answer.Code, answer.Header())
			}
			if answer.Code == 200 {
				if answer.Body.String() != "ada" {
					t.Errorf("%s", answer.Body)
				}
				return
			}
			var problem struct{ Code string }
			if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil ||
				problem.Code != row.code {
				t.Errorf("%s", answer.Body)
			}
			if answer.Header().Get("Cache-Control") != "no-store" ||
				answer.Header().Get("Set-Cookie") != "" {
				t.Errorf("%v", answer.Header())
			}
		})
	}
}

func TestAStrictRouteWithoutAnAuthorityIsFoundAtStart(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it was not")
		}
	}()
	newAuthority(t).verifier(t).Middleware(
		holdfast.Requirements{Strict: true}, http.NotFoundHandler(),
	)
}

func TestThereAreNoClaimsOutsideOfTheMiddleware(t *testing.T) {
	if holdfast.ClaimsFrom(httptest.NewRequest("GET", "/", nil).Context()) != nil {
		t.Error("there are")
	}
}
