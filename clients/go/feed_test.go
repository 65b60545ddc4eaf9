package holdfast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast.example/holdfast"
)

// script is an authority whose feed says what a test wants: each connection to
// the stream is handed to the test.
type script struct {
	*httptest.Server
	a        *authority
	mu       sync.Mutex
	entries  []string
	cursor   string
	status   int
	reach    time.Duration
	streams  chan *connection
	snapshot chan struct{}
	problems chan error
}

// connection is one stream, from where it was asked for.
type connection struct {
	after string
	lines chan string
	n     int
}

func newScript(t *testing.T, a *authority) *script {
	s := &script{
		a: a, cursor: "c0", status: 200, reach: 130 * time.Second,
		streams: make(chan *connection, 10), snapshot: make(chan struct{}, 10),
		problems: make(chan error, 100),
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	status, entries, cursor := s.status, strings.Join(s.entries, ","), s.cursor
	s.mu.Unlock()
	if r.URL.Path != "/v1/revocations" || r.Header.Get("Authorization") != "Bearer key" {
		w.WriteHeader(401)
		return
	}
	if r.Header.Get("Accept") != "text/event-stream" {
		fmt.Fprintf(
			w, `{"cursor":"%s","asOf":%d,"windowMs":130000,"since":%d,"entries":[%s]}`, cursor,
			s.a.now().UnixMilli(), s.a.now().UnixMilli()-s.reach.Milliseconds(), entries,
		)
		s.snapshot <- struct{}{}
		return
	}
	if w.WriteHeader(status); status != 200 {
		return
	}
	w.(http.Flusher).Flush()
	c := &connection{after: r.URL.Query().Get("after"), lines: make(chan string)}
	s.streams <- c
	for {
		select {
		case text, open := <-c.lines:
			if !open {
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, text)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (s *script) follow(t *testing.T) *holdfast.Feed {
	feed := holdfast.FollowRevocations(holdfast.FeedOptions{
		URL: s.URL, Key: "key", Now: s.a.now, OnProblem: func(err error) { s.problems <- err },
	})
	t.Cleanup(feed.Close)
	return feed
}

func (s *script) stream(t *testing.T) *connection { return receive(t, s.streams) }

// say sends an event with the next number.
func (c *connection) say(kind, members string) {
	c.n++
	c.lines <- fmt.Sprintf(
		"event: %s\nid: c%d\ndata: {\"n\":%d,\"cursor\":\"c%d\",%s}\n\n", kind, c.n, c.n, c.n,
		members,
	)
}

func (c *connection) beat(at time.Time) {
	c.say("heartbeat", fmt.Sprintf(`"asOf":%d`, at.UnixMilli()))
}

func (c *connection) revoke(session string) {
	c.say("revoked", fmt.Sprintf(`"kind":"revoked","session":"%s","at":1`, session))
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func claimsOf(id string, generation int64) *holdfast.Claims {
	return &holdfast.Claims{
		SessionID: id, Generation: generation, Expires: time.Unix(1_800_000_090, 0),
	}
}

// until waits for what another goroutine is about to do.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for ; time.Now().Before(end); time.Sleep(time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func TestTheSnapshotAndTheStreamAreBothKnown(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	s.entries = []string{fmt.Sprintf(`{"kind":"revoked","session":"%s","at":1}`, session(1, 1))}
	feed := s.follow(t)
	if err := feed.Ready(context.Background()); err != nil {
		t.Fatal(err)
	}

	if !feed.IsRevoked(claimsOf(session(1, 1), 5)) || feed.IsRevoked(claimsOf(session(1, 2), 5)) {
		t.Error("the snapshot names one session")
	}
	c := s.stream(t)
	if c.after != "c0" {
		t.Errorf("followed from %q", c.after)
	}
	c.revoke(session(1, 2))
	until(t, "revoked by the stream", func() bool {
		return feed.IsRevoked(claimsOf(session(1, 2), 5))
	})
	if feed.IsRevoked(claimsOf(session(2, 2), 5)) {
		t.Error("somebody else's session")
	}
}

func TestASubjectEntryMatchesExactly(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	feed := s.follow(t)
	c := s.stream(t)
	c.say(
		"subject",
		fmt.Sprintf(
			`"kind":"subject","subject":"%s","generation":10,"except":"%s","at":1`, subjectKey(1),
			session(1, 9),
		),
	)
	c.say(
		"subject",
		fmt.Sprintf(
			`"kind":"subject","subject":"%s","generation":20,"except":null,"at":1`, subjectKey(2),
		),
	)
	until(t, "both entries", func() bool { return feed.IsRevoked(claimsOf(session(2, 1), 19)) })

	for name, row := range map[string]struct {
		session    string
		generation int64
		revoked    bool
	}{
		"an older generation":          {session(1, 1), 9, true},
		"the generation itself":        {session(1, 1), 10, false},
		"the one that is spared":       {session(1, 9), 9, false},
		"another subject":              {session(3, 1), 9, false},
		"a subject that spares nobody": {session(2, 9), 9, true},
	} {
		if feed.IsRevoked(claimsOf(row.session, row.generation)) != row.revoked {
			t.Errorf("%s", name)
		}
	}

	// The second entry spares another session than the first did: the dead stay dead.
	c.say(
		"subject",
		fmt.Sprintf(
			`"kind":"subject","subject":"%s","generation":30,"except":"%s","at":1`, subjectKey(1),
			session(1, 1),
		),
	)
	until(t, "the one that had been spared", func() bool {
		return feed.IsRevoked(claimsOf(session(1, 9), 9))
	})
	if !feed.IsRevoked(claimsOf(session(1, 1), 9)) || feed.IsRevoked(claimsOf(session(1, 1), 10)) {
		t.Error("a later entry forgot an earlier one")
	}
}

func TestTheStateIsTheAgeOfTheLastHeartbeat(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	feed := s.follow(t)
	c := s.stream(t)
	c.beat(a.now())
	until(t, "fresh", func() bool { return feed.State() == holdfast.Fresh })

	for _, row := range []struct {
		pass  time.Duration
		state holdfast.State
	}{
		{4999 * time.Millisecond, holdfast.Fresh}, {time.Millisecond, holdfast.Stale},
		{24999 * time.Millisecond, holdfast.Stale}, {time.Millisecond, holdfast.Blind},
	} {
		a.pass(row.pass)
		if feed.State() != row.state {
			t.Errorf("%v, not %v", feed.State(), row.state)
		}
	}

	c.beat(a.now().Add(time.Hour))
	until(t, "fresh by our own clock", func() bool { return feed.State() == holdfast.Fresh })
	feed.Close()
	if feed.State() != holdfast.Blind {
		t.Error("a closed feed sees")
	}
}

func TestASnapshotThatDoesNotReachBackLeavesTheFeedBlindUntilTheTokensOfThenAreOver(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	s.reach = 30 * time.Second
	feed := s.follow(t)
	if err := feed.Ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := s.stream(t)

	a.pass(99 * time.Second)
	c.revoke(session(1, 1))
	c.beat(a.now())
	until(t, "revoked", func() bool { return feed.IsRevoked(claimsOf(session(1, 1), 5)) })
	if feed.State() != holdfast.Blind {
		t.Errorf("%v", feed.State())
	}

	a.pass(time.Second)
	c.beat(a.now())
	until(t, "fresh", func() bool { return feed.State() == holdfast.Fresh })
}

func TestAHoleInTheNumbersIsAGapAndTheSnapshotIsReadAgain(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	feed := s.follow(t)
	receive(t, s.snapshot)
	c := s.stream(t)
	c.beat(a.now())
	s.mu.Lock()
	s.entries = []string{fmt.Sprintf(`{"kind":"revoked","session":"%s","at":1}`, session(1, 1))}
	s.cursor = "c7"
	s.mu.Unlock()

	c.n++
	c.beat(a.now())

	receive(t, s.snapshot)
	if err := receive(t, s.problems); !strings.Contains(err.Error(), "gap") {
		t.Error(err)
	}
	if again := s.stream(t); again.after != "c7" {
		t.Errorf("followed from %q", again.after)
	}
	if !feed.IsRevoked(claimsOf(session(1, 1), 5)) {
		t.Error("what was missed is still unknown")
	}
}

func TestABrokenStreamIsResumedWhereItBroke(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	feed := s.follow(t)
	receive(t, s.snapshot)
	c := s.stream(t)
	c.beat(a.now())
	c.revoke(session(1, 1))

	close(c.lines)

	again := s.stream(t)
	if again.after != "c2" {
		t.Errorf("followed from %q", again.after)
	}
	again.revoke(session(1, 2))
	until(t, "revoked after the break", func() bool {
		return feed.IsRevoked(claimsOf(session(1, 2), 5))
	})
	if len(s.snapshot) != 0 {
		t.Error("the snapshot was read again without need")
	}
}

func TestACursorThatIsGoneLeadsToTheSnapshot(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	s.status = http.StatusGone
	feed := s.follow(t)
	receive(t, s.snapshot)
	receive(t, s.snapshot)
	s.mu.Lock()
	s.status = 200
	s.mu.Unlock()

	s.stream(t).beat(a.now())

	until(t, "fresh", func() bool { return feed.State() == holdfast.Fresh })
}

func TestWhatIsNoEntryIsAGapAndNotIgnored(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":            "event: revoked\ndata: {\n\n",
		"no session":         "event: revoked\ndata: {\"n\":1,\"session\":\"x\"}\n\n",
		"no generation":      "event: subject\ndata: {\"n\":1,\"subject\":\"x\"}\n\n",
		"the wrong types":    "event: revoked\ndata: {\"n\":1,\"session\":[1]}\n\n",
		"an event too large": "data: " + strings.Repeat("x", 100<<10) + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, newAuthority(t))
			s.follow(t)
			receive(t, s.snapshot)
			go func(c *connection) { c.lines <- text }(s.stream(t))
			if err := receive(t, s.problems); err == nil {
				t.Error("no problem")
			}
			s.stream(t)
		})
	}
}

func TestALaterAuthorityMaySayMore(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	feed := s.follow(t)
	c := s.stream(t)
	c.lines <- ": a comment\r\nretry: 100\r\n\r\n"
	c.say("weather", `"sky":"blue"`)
	c.revoke(session(1, 1))
	until(t, "revoked", func() bool { return feed.IsRevoked(claimsOf(session(1, 1), 5)) })
	if len(s.problems) != 0 {
		t.Error(<-s.problems)
	}
}

func TestEntriesAreForgottenWhenNoTokenCanMeetThem(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	feed := s.follow(t)
	c := s.stream(t)
	c.revoke(session(1, 1))
	c.say("subject", fmt.Sprintf(`"subject":"%s","generation":10,"at":1`, subjectKey(2)))
	until(t, "revoked", func() bool { return feed.IsRevoked(claimsOf(session(2, 1), 5)) })

	a.pass(129 * time.Second)
	c.revoke(session(1, 2))
	until(t, "revoked", func() bool { return feed.IsRevoked(claimsOf(session(1, 2), 5)) })
	if !feed.IsRevoked(claimsOf(session(1, 1), 5)) || !feed.IsRevoked(claimsOf(session(2, 1), 5)) {
		t.Error("forgotten too early")
	}

	a.pass(time.Second)
	c.revoke(session(1, 3))
	until(t, "revoked", func() bool { return feed.IsRevoked(claimsOf(session(1, 3), 5)) })
	if feed.IsRevoked(claimsOf(session(1, 1), 5)) || feed.IsRevoked(claimsOf(session(2, 1), 5)) {
		t.Error("kept for ever")
	}
}

func TestStreamsAreClosedWhenTheirSessionIsRevoked(t *testing.T) {
	a := newAuthority(t)
	s := newScript(t, a)
	feed := s.follow(t)
	c := s.stream(t)
	verifier := a.verifier(t)
	verifier.Revocations = feed
	closed := make(chan string, 10)
	hold := func(name, id string) func() {
		return verifier.Hold(claimsOf(id, 5), func() { closed <- name })
	}
	hold("first", session(1, 1))
	hold("second", session(1, 1))
	hold("other", session(2, 1))
	release := hold("released", session(1, 1))
	release()
	release()

	c.revoke(session(1, 1))

	if both := receive(t, closed) + receive(t, closed); both != "firstsecond" &&
		both != "secondfirst" {
		t.Error(both)
	}
	c.revoke(session(1, 1))
	c.say("subject", fmt.Sprintf(`"subject":"%s","generation":10,"at":1`, subjectKey(2)))
	if name := receive(t, closed); name != "other" {
		t.Error(name)
	}
	hold("late", session(2, 2))
	if name := receive(t, closed); name != "late" {
		t.Error(name)
	}
	if len(closed) != 0 {
		t.Error(<-closed)
	}
}

func TestAStreamIsClosedWhenItsTokenExpires(t *testing.T) {
	a := newAuthority(t)
	closed := make(chan struct{})
	claims := claimsOf(session(1, 1), 5)
	a.pass(90 * time.Second)

	a.verifier(t).Hold(claims, func() { close(closed) })

	receive(t, closed)
}

func TestReadyGivesUpWithItsContext(t *testing.T) {
	feed := holdfast.FollowRevocations(holdfast.FeedOptions{
		URL: "http://127.0.0.1:1", Key: "key", OnProblem: func(error) {},
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := feed.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	feed.Close()
	if err := feed.Ready(context.Background()); err == nil {
		t.Error("a closed feed is ready")
	}
}

func TestMalformedSnapshotsAreNotBelieved(t *testing.T) {
	for _, body := range []string{
		`{}`, `[]`, `{"cursor":"c","asOf":0}`, `{"cursor":"c","asOf":1,"windowMs":0}`,
		`{"cursor":"c","asOf":1,"windowMs":1,"entries":[{"kind":"revoked","session":"x"}]}`,
	} {
		problems := make(chan error, 10)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, body)
		}))
		feed := holdfast.FollowRevocations(holdfast.FeedOptions{
			URL: server.URL, Key: "key", OnProblem: func(err error) { problems <- err },
		})
		if err := receive(t, problems); err == nil || feed.State() != holdfast.Blind {
			t.Errorf("%s: %v", body, feed.State())
		}
		feed.Close()
		server.Close()
	}
}
