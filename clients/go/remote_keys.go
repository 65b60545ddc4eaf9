package holdfast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// RemoteKeys is the key set that an authority publishes. It is fetched at first
// use, renewed when it is older than MaxAge, and asked for anew when a token
// names an unknown key, but not more than once a Cooldown, whatever is thrown at
// it. When a fetch fails the last good set goes on to serve, for a day.
type RemoteKeys struct {
	// URL of the JWKS, for example https://auth.example/.well-known/jwks.json.
	URL string
	// Cooldown between two fetches; 30 seconds when zero.
	Cooldown time.Duration
	// MaxAge of a set before it is renewed; 5 minutes when zero.
	MaxAge time.Duration
	// Client to fetch with. The default follows no redirect and gives up after 5 seconds.
	Client *http.Client
	// Now is the clock; time.Now when nil.
	Now func() time.Time

	mu      sync.Mutex
	set     KeySet
	good    time.Time
	tried   time.Time
	lastErr error
	// running is closed when the fetch that is under way has ended.
	running chan struct{}
}

const (
	maxKeySetBytes = 256 << 10
	fetchTimeout   = 5 * time.Second
	// lastGoodFor agrees with the stale-if-error of the authority's answer.
	lastGoodFor  = 24 * time.Hour
	firstSetWait = time.Second
)

// quietClient takes no redirect: where keys come from is the operator's choice alone.
var quietClient = &http.Client{
	Timeout:       fetchTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Key implements [Keys]. A known key waits for a fetch only where nobody asked for long.
func (r *RemoteKeys) Key(ctx context.Context, id string) (Key, error) {
	r.mu.Lock()
	now := r.now()
	// Older than a day and not to be renewed: whoever keeps us from the authority must not keep a
	// withdrawn key alive.
	if r.set != nil && now.Sub(r.good) > lastGoodFor {
		r.set = nil
	}
	key, known := r.set[id]
	maxAge := or(r.MaxAge, 5*time.Minute)
	wanted := !known || now.Sub(r.good) > maxAge
	// Nobody asked for long, and what was withdrawn meanwhile must not count. In an outage it does.
	outage := r.lastErr != nil && now.Sub(r.tried) < 2*maxAge
	waits := !known || (now.Sub(r.good) >= 2*maxAge && !outage)
	if wanted && r.running == nil && r.mayTry(now) {
		r.tried = now
		r.running = make(chan struct{})
		go r.renew(r.running)
	}
	running := r.running
	r.mu.Unlock()

	if !waits {
		return key, nil
	}
	if running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return Key{}, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if key, known := r.set[id]; known {
		return key, nil
	}
	if r.set == nil {
		return Key{}, fmt.Errorf("no key set could be fetched: %w", r.lastErr)
	}
	return Key{}, ErrUnknownKey
}

// mayTry keeps to the cool-down. While there is no set at all it is a second: a
// service may start before its authority.
func (r *RemoteKeys) mayTry(now time.Time) bool {
	wait := or(r.Cooldown, 30*time.Second)
	if r.set == nil && wait > firstSetWait {
		wait = firstSetWait
	}
	return r.tried.IsZero() || now.Sub(r.tried) >= wait
}

func (r *RemoteKeys) renew(done chan struct{}) {
	// Not the context of a request: others wait for the same fetch.
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	set, err := r.fetch(ctx)

	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.set, r.good = set, r.now()
	}
	r.lastErr = err
	r.running = nil
	close(done)
}

func (r *RemoteKeys) fetch(ctx context.Context) (KeySet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	// On a kept connection that breaks the transport would ask again by itself.
	request.Close = true
	client := r.Client
	if client == nil {
		client = quietClient
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the key set was answered with %d", response.StatusCode)
	}
	data, err := readAtMost(response.Body, maxKeySetBytes)
	if err != nil {
		return nil, err
	}
	return ParseKeySet(data)
}

func (r *RemoteKeys) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func or(value, fallback time.Duration) time.Duration {
	if value == 0 {
		return fallback
	}
	return value
}

// readAtMost fails on more than max bytes: what was cut off must not pass for the whole.
func readAtMost(body io.Reader, max int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > max {
		return nil, errors.New("the answer is too large")
	}
	return data, nil
}
