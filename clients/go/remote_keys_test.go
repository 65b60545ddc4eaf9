package holdfast_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast.example/holdfast"
)

// published serves a key set, or whatever else a test makes of it.
type published struct {
	*httptest.Server
	fetches atomic.Int32
	answer  atomic.Pointer[func(w http.ResponseWriter)]
}

func publish(t *testing.T, jwks []byte) *published {
	p := &published{}
	p.serve(func(w http.ResponseWriter) { _, _ = w.Write(jwks) })
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		(*p.answer.Load())(w)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *published) serve(answer func(w http.ResponseWriter)) { p.answer.Store(&answer) }

// fetched waits until a fetch in the background has come, because a known key does not wait for it.
func (p *published) fetched(t *testing.T, count int32) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for ; time.Now().Before(end); time.Sleep(time.Millisecond) {
		if p.fetches.Load() == count {
			return
		}
	}
	t.Fatalf("%d fetches, not %d", p.fetches.Load(), count)
}

func flood(keys *holdfast.RemoteKeys, count int) (unknown int32) {
	var done sync.WaitGroup
	for i := 0; i < count; i++ {
		done.Add(1)
		go func(id string) {
			defer done.Done()
			_, err := keys.Key(context.Background(), id)
			if errors.Is(err, holdfast.ErrUnknownKey) {
				atomic.AddInt32(&unknown, 1)
			}
		}(fmt.Sprint("unknown-", i))
	}
	done.Wait()
	return unknown
}

func TestAFloodOfUnknownKeysCostsOneFetchACooldown(t *testing.T) {
	a := newAuthority(t)
	p := publish(t, a.jwks)
	keys := &holdfast.RemoteKeys{URL: p.URL, Now: a.now}

	for round := int32(1); round <= 3; round++ {
		if unknown := flood(keys, 200); unknown != 200 {
			t.Errorf("%d of 200 were told that the key is unknown", unknown)
		}
		p.fetched(t, round)
		a.pass(29 * time.Second)
		flood(keys, 200)
		p.fetched(t, round)
		a.pass(time.Second)
	}
}

func TestANewKeyIsFoundAtItsFirstToken(t *testing.T) {
	a, next := newAuthority(t), newAuthority(t)
	p := publish(t, a.jwks)
	keys := &holdfast.RemoteKeys{URL: p.URL, Now: a.now}
	if _, err := keys.Key(context.Background(), "k1"); err != nil {
		t.Fatal(err)
	}
	a.pass(31 * time.Second)
	p.serve(func(w http.ResponseWriter) {
		_, _ = w.Write([]byte(strings.ReplaceAll(string(next.jwks), "k1", "k2")))
	})

	if _, err := keys.Key(context.Background(), "k2"); err != nil {
		t.Error(err)
	}
	if _, err := keys.Key(context.Background(), "k1"); !errors.Is(err, holdfast.ErrUnknownKey) {
		t.Errorf("a key that was withdrawn: %v", err)
	}
}

func TestAKeyWithdrawnWhileNobodyAskedIsNotBelievedOnceMore(t *testing.T) {
	a, next := newAuthority(t), newAuthority(t)
	p := publish(t, a.jwks)
	keys := &holdfast.RemoteKeys{URL: p.URL, Now: a.now}
	if _, err := keys.Key(context.Background(), "k1"); err != nil {
		t.Fatal(err)
	}
	a.pass(11 * time.Hour)
	p.serve(func(w http.ResponseWriter) {
		_, _ = w.Write([]byte(strings.ReplaceAll(string(next.jwks), "k1", "k2")))
	})

	if _, err := keys.Key(context.Background(), "k1"); !errors.Is(err, holdfast.ErrUnknownKey) {
		t.Errorf("a key that was withdrawn: %v", err)
	}
}

func TestTheLastGoodSetOutlivesWhateverComesInItsPlace(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"an error": func(w http.ResponseWriter) { w.WriteHeader(500) },
		"a redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(302)
		},
		"no JSON": func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
		"no keys": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"no usable key": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"oct","k":"AA","kid":"k1"}]}`))
		},
		"a key id twice": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"keys":[{"kid":"k1","kty":"oct"},{"kid":"k1","kty":"oct"}]}`))
		},
		"an endless key set": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"keys":["` + strings.Repeat("x", 1<<20) + `"]}`))
		},
		"a broken connection": func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t)
			p := publish(t, a.jwks)
			keys := &holdfast.RemoteKeys{URL: p.URL, Now: a.now}
			if _, err := keys.Key(context.Background(), "k1"); err != nil {
				t.Fatal(err)
			}
			p.serve(answer)
			a.pass(6 * time.Minute)

			flood(keys, 3)

			p.fetched(t, 2)
			if _, err := keys.Key(context.Background(), "k1"); err != nil {
				t.Error(err)
			}
			a.pass(24 * time.Hour)
			if _, err := keys.Key(context.Background(), "k1"); err == nil ||
				errors.Is(err, holdfast.ErrUnknownKey) {
				t.Errorf("after a day nobody knows: %v", err)
			}
		})
	}
}

func TestWithoutAKeySetNobodyKnowsAndNobodyIsRefused(t *testing.T) {
	a := newAuthority(t)
	p := publish(t, a.jwks)
	p.serve(func(w http.ResponseWriter) { w.WriteHeader(503) })
	verifier := a.verifier(t)
	verifier.Keys = &holdfast.RemoteKeys{URL: p.URL, Now: a.now}

	for i := 0; i < 3; i++ {
		_, err := verifier.Verify(context.Background(), a.token(nil), holdfast.Requirements{})
		if !errors.Is(err, holdfast.ErrKeysUnavailable) {
			t.Errorf("%v", err)
		}
	}
	p.fetched(t, 1)

	// A service may start before its authority: it need not wait for a whole cool-down.
	p.serve(func(w http.ResponseWriter) { _, _ = w.Write(a.jwks) })
	a.pass(time.Second)
	if _, err := verifier.Verify(
		context.Background(), a.token(nil), holdfast.Requirements{},
	); err != nil {
		t.Error(err)
	}
	p.fetched(t, 2)
}

func TestACallerThatLeavesDoesNotEndTheFetchForTheOthers(t *testing.T) {
	a := newAuthority(t)
	p := publish(t, a.jwks)
	let := make(chan struct{})
	p.serve(func(w http.ResponseWriter) { <-let; _, _ = w.Write(a.jwks) })
	keys := &holdfast.RemoteKeys{URL: p.URL, Now: a.now}
	gone, leave := context.WithCancel(context.Background())
	leave()

	if _, err := keys.Key(gone, "k1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(let)
	if _, err := keys.Key(context.Background(), "k1"); err != nil {
		t.Error(err)
	}
	p.fetched(t, 1)
}
