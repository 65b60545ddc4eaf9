package holdfast_test

import (
	"context"
	"errors"
	"testing"

	"holdfast.example/holdfast"
	"holdfast.example/holdfast/internal/corpus"
)

func TestCorpus(t *testing.T) {
	c, err := corpus.Read("../corpus/access-tokens.json")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := holdfast.ParseKeySet(c.JWKS)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 {
		t.Errorf("%d keys are usable, not 3", len(keys))
	}
	verifier := c.Verifier(keys)
	for _, one := range c.Cases {
		t.Run(one.Name, func(t *testing.T) {
			claims, err := verifier.Verify(context.Background(), one.Token, one.Requirements())
			var refusal *holdfast.Refusal
			switch {
			case one.Verdict == "accept" && err != nil:
				t.Errorf("refused (%v): %s", err, one.Reason)
			case one.Verdict == "reject" && !errors.As(err, &refusal):
				t.Errorf("claims %v, error %v: %s", claims, err, one.Reason)
			}
		})
	}
}
