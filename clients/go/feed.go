package holdfast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Feed follows the revocations of an authority: a snapshot, then a stream that
// is resumed where it broke. Gaps are proved by the numbers of the stream, never
// guessed; after one the snapshot is read again.
type Feed struct {
	options FeedOptions
	table   table
	cancel  context.CancelFunc
	ended   chan struct{}
	ready   chan struct{}

	mu     sync.Mutex
	window time.Duration
	beat   time.Time
	// unknownUntil: a token may be good whose revocation the snapshot did not reach back to.
	unknownUntil time.Time
	listeners    map[int]func(func(*Claims) bool)
	next         int
}

// FeedOptions say which authority to follow.
type FeedOptions struct {
	// URL of the service, for example https://auth.internal:4600.
	URL string
	// Key of the API, with the role gate or app.
	Key string
	// Client to ask with. It must have no timeout, which would cut the stream.
	Client *http.Client
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// OnProblem hears why the feed was interrupted. The default logs it.
	OnProblem func(error)
}

const (
	maxSnapshotBytes = 64 << 20
	// quietFor is how long a stream may say nothing: its heartbeat comes every second.
	quietFor        = freshFor
	snapshotTimeout = 10 * time.Second
	firstBackoff    = 100 * time.Millisecond
	lastBackoff     = 5 * time.Second
)

// errGap says that entries were missed: what is known has to be read anew.
var errGap = errors.New("holdfast: the revocation feed has a gap")

// FollowRevocations starts to follow. Close ends it.
func FollowRevocations(options FeedOptions) *Feed {
	if options.Client == nil {
		options.Client = &http.Client{CheckRedirect: quietClient.CheckRedirect}
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.OnProblem == nil {
		options.OnProblem = func(err error) { log.Printf("holdfast: revocation feed: %v", err) }
	}
	options.URL = strings.TrimSuffix(options.URL, "/") + "/v1/revocations"
	ctx, cancel := context.WithCancel(context.Background())
	feed := &Feed{
		options:   options,
		cancel:    cancel,
		ended:     make(chan struct{}),
		ready:     make(chan struct{}),
		listeners: map[int]func(func(*Claims) bool){},
	}
	go feed.follow(ctx)
	return feed
}

// Ready waits for the first snapshot.
func (f *Feed) Ready(ctx context.Context) error {
	select {
	case <-f.ready:
		return nil
	case <-f.ended:
		return errors.New("holdfast: the revocation feed was closed")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the feed, which is blind from then on, and waits until it has ended.
func (f *Feed) Close() {
	f.cancel()
	<-f.ended
}

// State implements [Revocations].
func (f *Feed) State() State {
	now := f.options.Now()
	f.mu.Lock()
	beat, unknown := f.beat, now.Before(f.unknownUntil)
	f.mu.Unlock()
	switch age := now.Sub(beat); {
	case beat.IsZero() || age >= staleFor || unknown || f.table.full(now):
		return Blind
	case age >= freshFor:
		return Stale
	default:
		return Fresh
	}
}

// IsRevoked implements [Revocations].
func (f *Feed) IsRevoked(claims *Claims) bool { return f.table.isRevoked(claims) }

// OnRevoked implements [Revocations].
func (f *Feed) OnRevoked(listener func(matches func(*Claims) bool)) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := f.next
	f.next++
	f.listeners[id] = listener
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, id)
	}
}

func (f *Feed) follow(ctx context.Context) {
	defer close(f.ended)
	defer f.heard(time.Time{})
	cursor, backoff := "", firstBackoff
	for ctx.Err() == nil {
		err := error(nil)
		if cursor == "" {
			cursor, err = f.snapshot(ctx)
		}
		if err == nil {
			var lived bool
			cursor, lived, err = f.stream(ctx, cursor)
			if lived {
				backoff = firstBackoff
			}
		}
		if ctx.Err() != nil {
			return
		}
		f.options.OnProblem(err)
		if errors.Is(err, errGap) {
			// What was missed may be the one that matters: nothing is known until the next
			// snapshot.
			cursor = ""
			f.heard(time.Time{})
		}
		// Spread: after a restart of the authority all of its followers come back.
		pause := time.NewTimer(backoff/2 + time.Duration(rand.Int63n(int64(backoff))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
		if backoff *= 2; backoff > lastBackoff {
			backoff = lastBackoff
		}
	}
}

// message is an entry, a heartbeat or a snapshot's entry: whatever members it has.
type message struct {
	N          int64   `json:"n"`
	Kind       string  `json:"kind"`
	Cursor     string  `json:"cursor"`
	Session    string  `json:"session"`
	Subject    string  `json:"subject"`
	Generation int64   `json:"generation"`
	Except     *string `json:"except"`
}

func (f *Feed) snapshot(ctx context.Context) (cursor string, err error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotTimeout)
	defer cancel()
	asked := f.options.Now()
	response, err := f.get(ctx, f.options.URL, "application/json")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	data, err := readAtMost(response.Body, maxSnapshotBytes)
	if err != nil {
		return "", err
	}
	var snapshot struct {
		Cursor   string    `json:"cursor"`
		AsOf     int64     `json:"asOf"`
		WindowMs int64     `json:"windowMs"`
		Since    int64     `json:"since"`
		Entries  []message `json:"entries"`
	}
	if err := json.Unmarshal(data, &snapshot); err != nil {
		return "", err
	}
	if snapshot.Cursor == "" || snapshot.AsOf <= 0 || snapshot.WindowMs <= 0 {
		return "", errors.New("the snapshot has no cursor, time or window")
	}
	// A token from before since may have been revoked unseen. It is good for a window at most.
	missing := time.Duration(snapshot.Since-(snapshot.AsOf-snapshot.WindowMs)) * time.Millisecond
	f.mu.Lock()
	f.window = time.Duration(snapshot.WindowMs) * time.Millisecond
	if f.window < shortestWindow {
		f.window = shortestWindow
	}
	f.unknownUntil = f.options.Now().Add(missing)
	f.mu.Unlock()
	for _, m := range snapshot.Entries {
		if err := f.take(m.Kind, m); err != nil {
			return "", err
		}
	}
	f.heard(asked)
	select {
	case <-f.ready:
	default:
		close(f.ready)
	}
	return snapshot.Cursor, nil
}

// stream follows from a cursor until something breaks; it answers where to go
// on, and whether it has heard anything.
func (f *Feed) stream(ctx context.Context, cursor string) (at string, lived bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A connection that died without a word is noticed by its silence.
	silence := time.AfterFunc(quietFor, cancel)
	defer func() {
		if !silence.Stop() && errors.Is(err, context.Canceled) {
			err = errors.New("the stream fell silent")
		}
	}()

	response, err := f.get(
		ctx, f.options.URL+"?after="+url.QueryEscape(cursor), "text/event-stream",
	)
	if err != nil {
		return cursor, false, err
	}
	defer response.Body.Close()
	events := newEventReader(response.Body)
	for n := int64(1); ; n++ {
		event, err := events.next()
		if err != nil {
			return cursor, lived, err
		}
		silence.Reset(quietFor)
		var m message
		if err := json.Unmarshal(event.data, &m); err != nil {
			return cursor, lived, fmt.Errorf("%w: %v", errGap, err)
		}
		if m.N != n {
			return cursor, lived, fmt.Errorf("%w: number %d where %d was due", errGap, m.N, n)
		}
		if event.name == "heartbeat" {
			f.heard(f.options.Now())
		} else if err := f.take(event.name, m); err != nil {
			return cursor, lived, fmt.Errorf("%w: %v", errGap, err)
		}
		lived = true
		if m.Cursor != "" {
			cursor = m.Cursor
		}
	}
}

func (f *Feed) get(ctx context.Context, address, accept string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+f.options.Key)
	request.Header.Set("Accept", accept)
	response, err := f.options.Client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	response.Body.Close()
	if response.StatusCode == http.StatusGone || response.StatusCode == http.StatusBadRequest {
		return nil, fmt.Errorf("%w: the cursor is gone, or of another store", errGap)
	}
	return nil, fmt.Errorf("the authority answered %d", response.StatusCode)
}

// take keeps an entry and tells the listeners, in this order: whoever registers
// and then asks cannot miss it.
func (f *Feed) take(kind string, m message) error {
	var e entry
	switch kind {
	case "revoked":
		if subjectOf(m.Session) == "" {
			return errors.New("an entry names no session")
		}
		e = entry{session: m.Session}
	case "subject":
		if m.Subject == "" || m.Generation <= 0 {
			return errors.New("an entry names no subject")
		}
		e = entry{subject: m.Subject, generation: m.Generation}
		if m.Except != nil {
			e.except = *m.Except
		}
	default:
		// A later authority may say more; its numbers still count.
		return nil
	}
	f.mu.Lock()
	window := f.window
	f.mu.Unlock()
	if !f.table.add(e, f.options.Now(), window) {
		return nil
	}
	f.mu.Lock()
	listeners := make([]func(func(*Claims) bool), 0, len(f.listeners))
	for _, listener := range f.listeners {
		listeners = append(listeners, listener)
	}
	f.mu.Unlock()
	for _, listener := range listeners {
		listener(e.matches)
	}
	return nil
}

// heard notes when the feed was last known to be whole, by our own clock: the
// authority stops its heartbeats when it is not. Zero: never.
func (f *Feed) heard(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.beat = at
}
