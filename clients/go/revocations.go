package holdfast

import (
	"sync"
	"time"
)

// State is how much is known of revocations.
type State int

const (
	// Blind: nothing was heard for 30 seconds, or ever.
	Blind State = iota
	// Stale: nothing was heard for 5 seconds.
	Stale
	// Fresh: every revocation up to a few seconds ago is known; usually up to milliseconds.
	Fresh
)

// String implements fmt.Stringer.
func (s State) String() string {
	return [...]string{"blind", "stale", "fresh"}[s]
}

// Revocations knows which sessions have ended lately. [Feed] is one.
type Revocations interface {
	State() State
	IsRevoked(claims *Claims) bool
	// OnRevoked calls listener with each new entry, as a test for claims, until stop is called.
	OnRevoked(listener func(matches func(*Claims) bool)) (stop func())
}

const (
	freshFor = 5 * time.Second
	staleFor = 30 * time.Second
	// shortestWindow outlives every token: 120 seconds, and the skew at both of its ends.
	shortestWindow = 130 * time.Second
	maxEntries     = 1 << 20
)

// entry is one line of the feed: a session that ended, or a subject all of whose
// sessions of an older generation did, but for one.
type entry struct {
	session    string
	subject    string
	generation int64
	except     string
}

func (e entry) matches(claims *Claims) bool {
	if e.session != "" {
		return claims.SessionID == e.session
	}
	return claims.subjectKey() == e.subject && claims.Generation < e.generation &&
		claims.SessionID != e.except
}

// subjectKey of the session; claims that came out of a token have it worked out already.
func (c *Claims) subjectKey() string {
	if c.subject != "" {
		return c.subject
	}
	return subjectOf(c.SessionID)
}

// table holds the entries that a living token can still meet.
type table struct {
	mu       sync.RWMutex
	sessions map[string]time.Time
	subjects map[string][]kept
	// queue is in order of until, because the window hardly ever changes.
	queue     []kept
	fullUntil time.Time
}

type kept struct {
	entry
	until time.Time
}

// add keeps an entry for window, and forgets those that are over. False: it was known already.
func (t *table) add(e entry, now time.Time, window time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	if t.has(e) {
		return false
	}
	k := kept{entry: e, until: now.Add(window)}
	if len(t.queue) >= maxEntries {
		// What cannot be kept is not known: blind until it no longer matters.
		t.fullUntil = k.until
		return true
	}
	t.queue = append(t.queue, k)
	if e.session != "" {
		if t.sessions == nil {
			t.sessions = map[string]time.Time{}
		}
		t.sessions[e.session] = k.until
		return true
	}
	if t.subjects == nil {
		t.subjects = map[string][]kept{}
	}
	// All are kept, not the newest alone: each spares another session.
	t.subjects[e.subject] = append(t.subjects[e.subject], k)
	return true
}

func (t *table) has(e entry) bool {
	if e.session != "" {
		_, known := t.sessions[e.session]
		return known
	}
	for _, k := range t.subjects[e.subject] {
		if k.entry == e {
			return true
		}
	}
	return false
}

func (t *table) forget(now time.Time) {
	over := 0
	for over < len(t.queue) && !t.queue[over].until.After(now) {
		k := t.queue[over]
		over++
		if k.session != "" {
			delete(t.sessions, k.session)
			continue
		}
		left := t.subjects[k.subject][1:]
		if len(left) == 0 {
			delete(t.subjects, k.subject)
		} else {
			t.subjects[k.subject] = left
		}
	}
	t.queue = t.queue[over:]
}

func (t *table) isRevoked(claims *Claims) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if _, revoked := t.sessions[claims.SessionID]; revoked {
		return true
	}
	for _, k := range t.subjects[claims.subjectKey()] {
		if k.matches(claims) {
			return true
		}
	}
	return false
}

func (t *table) full(now time.Time) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return now.Before(t.fullUntil)
}
