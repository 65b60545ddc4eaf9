// Command conformance answers for this client, one line a verdict, so that the
// verdicts of all languages can be compared.
//
//	go run ./internal/conformance corpus FILE      every case: accept or reject, a tab, name
//	go run ./internal/conformance flood FILE URL   200 unknown key ids at once, then a valid token
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"holdfast.example/holdfast"
	"holdfast.example/holdfast/internal/corpus"
)

func main() {
	log.SetFlags(0)
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 2 && args[0] == "corpus":
		err = verdicts(args[1])
	case len(args) == 3 && args[0] == "flood":
		err = flood(args[1], args[2])
	default:
		err = errors.New("usage: conformance corpus FILE | flood FILE URL")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func verdicts(path string) error {
	c, err := corpus.Read(path)
	if err != nil {
		return err
	}
	keys, err := holdfast.ParseKeySet(c.JWKS)
	if err != nil {
		return err
	}
	verifier := c.Verifier(keys)
	for _, one := range c.Cases {
		_, err := verifier.Verify(context.Background(), one.Token, one.Requirements())
		var refusal *holdfast.Refusal
		switch {
		case err == nil:
			fmt.Printf("accept\t%s\n", one.Name)
		case errors.As(err, &refusal):
			fmt.Printf("reject\t%s\n", one.Name)
		default:
			return fmt.Errorf("%s: %w", one.Name, err)
		}
	}
	return nil
}

func flood(path, url string) error {
	c, err := corpus.Read(path)
	if err != nil {
		return err
	}
	verifier := c.Verifier(&holdfast.RemoteKeys{URL: url})
	valid := c.Cases[0].Token
	rest := valid[strings.Index(valid, "."):]
	var refused atomic.Int32
	var done sync.WaitGroup
	for i := 0; i < 200; i++ {
		header := fmt.Sprintf(`{"alg":"EdDSA","kid":"unknown-%d","typ":"at+jwt"}`, i)
		token := base64.RawURLEncoding.EncodeToString([]byte(header)) + rest
		done.Add(1)
		go func() {
			defer done.Done()
			_, err := verifier.Verify(context.Background(), token, holdfast.Requirements{})
			var refusal *holdfast.Refusal
			if errors.As(err, &refusal) {
				refused.Add(1)
			}
		}()
	}
	done.Wait()
	fmt.Printf("refused\t%d\n", refused.Load())
	if _, err := verifier.Verify(context.Background(), valid, holdfast.Requirements{}); err != nil {
		return err
	}
	fmt.Println("accept")
	return nil
}
