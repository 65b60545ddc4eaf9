package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"holdfast.example/holdfast"
)

const (
	maxBodyBytes    = 1 << 10
	maxAddressRunes = 200
	maxBuyers       = 10_000
	// addressWithin is how fresh a login has to be that sends parcels elsewhere.
	addressWithin = 10 * time.Minute
)

// shipping has a normal route, one that asks for a fresh proof of who the user
// is, one that asks the authority each time, and a stream that ends with the session.
func shipping(verifier *holdfast.Verifier) http.Handler {
	book := &addressBook{of: map[string]string{}}
	fresh := holdfast.Requirements{MaxAge: addressWithin}
	mux := http.NewServeMux()
	guarded := func(
		path, method string, requirements holdfast.Requirements, handle http.HandlerFunc,
	) {
		mux.Handle(path, only(method, verifier.Middleware(requirements, handle)))
	}
	guarded("/api/shipping", http.MethodGet, holdfast.Requirements{}, book.overview)
	guarded("/api/shipping/address", http.MethodPut, fresh, book.move)
	guarded("/api/shipping/code", http.MethodGet, holdfast.Requirements{Strict: true}, pickupCode)
	guarded("/api/shipping/live", http.MethodGet, holdfast.Requirements{}, live(verifier))
	mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}

func only(method string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// addressBook is where parcels go, by buyer; it lives as long as the process.
type addressBook struct {
	mu sync.Mutex
	of map[string]string
}

// keyOf tells two users of the same id in two tenants apart.
func keyOf(claims *holdfast.Claims) string { return claims.Tenant + "\x00" + claims.Subject }

func (b *addressBook) overview(w http.ResponseWriter, r *http.Request) {
	claims := holdfast.ClaimsFrom(r.Context())
	b.mu.Lock()
	address, known := b.of[keyOf(claims)]
	b.mu.Unlock()
	if !known {
		address = "as at your last order"
	}
	answer(w, http.StatusOK, map[string]any{
		"buyer":   claims.Subject,
		"address": address,
		"parcels": []map[string]string{{"what": "your order", "where": "on its way"}},
	})
}

func (b *addressBook) move(w http.ResponseWriter, r *http.Request) {
	claims := holdfast.ClaimsFrom(r.Context())
	var body struct{ Address string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(&body)
	address := strings.TrimSpace(body.Address)
	if err != nil || address == "" || len([]rune(address)) > maxAddressRunes {
		answer(
			w, http.StatusBadRequest,
			map[string]any{"title": "address must be a short text", "status": 400},
		)
		return
	}
	b.mu.Lock()
	_, known := b.of[keyOf(claims)]
	full := !known && len(b.of) >= maxBuyers
	if !full {
		b.of[keyOf(claims)] = address
	}
	b.mu.Unlock()
	if full {
		answer(
			w, http.StatusServiceUnavailable,
			map[string]any{"title": "the address book is full", "status": 503},
		)
		return
	}
	answer(w, http.StatusOK, map[string]any{"buyer": claims.Subject, "address": address})
}

// pickupCode opens a locker: not even for the time of one access token may a dead session see it.
func pickupCode(w http.ResponseWriter, r *http.Request) {
	code, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	buyer := holdfast.ClaimsFrom(r.Context()).Subject
	answer(w, http.StatusOK, map[string]any{"buyer": buyer, "code": fmt.Sprintf("%06d", code)})
}

// live sends server-sent events until the client leaves, the token expires or the session is
// revoked.
func live(verifier *holdfast.Verifier) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		over := make(chan struct{})
		release := verifier.Hold(holdfast.ClaimsFrom(r.Context()), func() { close(over) })
		defer release()
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for stop := 12; ; stop-- {
			if stop < 0 {
				stop = 12
			}
			if _, err := fmt.Fprintf(
				w, "event: parcel\ndata: {\"stops\":%d}\n\n", stop,
			); err != nil {
				return
			}
			if flusher, can := w.(http.Flusher); can {
				flusher.Flush()
			}
			select {
			case <-tick.C:
			case <-over:
				return
			case <-r.Context().Done():
				return
			}
		}
	}
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
