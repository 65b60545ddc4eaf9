package holdfast

import (
	"sync"
	"time"
)

// held are the open streams of a verifier. The zero value is empty.
type held struct {
	mu      sync.Mutex
	streams map[*stream]struct{}
	started bool
}

type stream struct {
	claims *Claims
	close  func()
	timer  *time.Timer
}

// Hold keeps watch over a stream that outlives its request, such as a WebSocket
// or server-sent events: close is called once, on a goroutine of its own, when
// the token expires or its session is revoked. Whoever closes the stream for
// another reason calls release.
func (v *Verifier) Hold(claims *Claims, close func()) (release func()) {
	s := &stream{claims: claims, close: close}
	v.held.mu.Lock()
	if v.held.streams == nil {
		v.held.streams = map[*stream]struct{}{}
	}
	v.held.streams[s] = struct{}{}
	s.timer = time.AfterFunc(claims.Expires.Sub(v.now()), func() { v.held.end(s) })
	if v.Revocations != nil && !v.held.started {
		v.held.started = true
		v.Revocations.OnRevoked(v.held.endMatching)
	}
	v.held.mu.Unlock()

	// The session may have ended between the verification and now.
	if v.Revocations != nil && v.Revocations.IsRevoked(claims) {
		v.held.end(s)
	}
	return func() { v.held.remove(s) }
}

func (h *held) endMatching(matches func(*Claims) bool) {
	h.mu.Lock()
	var ending []*stream
	for s := range h.streams {
		if matches(s.claims) {
			ending = append(ending, s)
		}
	}
	h.mu.Unlock()
	for _, s := range ending {
		h.end(s)
	}
}

func (h *held) end(s *stream) {
	if h.remove(s) {
		go s.close()
	}
}

// remove is true once for each stream.
func (h *held) remove(s *stream) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.streams[s]; !there {
		return false
	}
	delete(h.streams, s)
	s.timer.Stop()
	return true
}
