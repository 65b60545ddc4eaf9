// Command shipping is a small service of the example shop: it tells the buyer
// what is on its way. It knows nothing of sessions but their access tokens.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"holdfast.example/holdfast"
)

// settings come from the environment; see README.md.
type settings struct {
	address, issuer, url, key, audience string
}

func readSettings(get func(string) string) (settings, error) {
	or := func(name, fallback string) string {
		if value := get(name); value != "" {
			return value
		}
		return fallback
	}
	s := settings{
		address:  net.JoinHostPort(or("HOST", "127.0.0.1"), or("PORT", "4720")),
		url:      strings.TrimSuffix(or("HOLDFAST_URL", "http://127.0.0.1:4600"), "/"),
		key:      get("HOLDFAST_KEY"),
		audience: or("HOLDFAST_AUDIENCE", "shipping"),
	}
	s.issuer = or("HOLDFAST_ISSUER", s.url)
	if s.key == "" {
		return s, errors.New("HOLDFAST_KEY is not set: an API key with the role gate")
	}
	return s, nil
}

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	s, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	feed := holdfast.FollowRevocations(holdfast.FeedOptions{URL: s.url, Key: s.key})
	defer feed.Close()
	verifier := &holdfast.Verifier{
		Issuer:      s.issuer,
		Audience:    s.audience,
		Keys:        &holdfast.RemoteKeys{URL: s.url + "/.well-known/jwks.json"},
		Revocations: feed,
		Authority:   &holdfast.Authority{URL: s.url, Key: s.key},
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	server := &http.Server{
		Handler:           shipping(verifier),
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    32 << 10,
		// Live streams end with the process, not after it.
		BaseContext: func(net.Listener) context.Context { return stop },
	}
	fmt.Printf("shipping listens on http://%s\n", listener.Addr())

	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-stop.Done():
	}
	ctx, end := context.WithTimeout(context.Background(), 5*time.Second)
	defer end()
	return server.Shutdown(ctx)
}
