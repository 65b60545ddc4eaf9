// Package holdfast verifies the access tokens of a Holdfast authority, offline,
// and hears of revoked sessions within milliseconds.
//
// A token is a JWT of RFC 9068. It is believed only when every check holds: the
// key decides the algorithm, issuer and audience are exact, the type is at+jwt,
// no extension is critical, the clock is within [Verifier.Skew]. What a client
// can cause is a [*Refusal]; every other error is a fault, answered with 503,
// and says nothing about the token.
//
//	keys := &holdfast.RemoteKeys{URL: "https://auth.example/.well-known/jwks.json"}
//	verifier := &holdfast.Verifier{
//		Issuer:   "https://auth.example",
//		Audience: "orders",
//		Keys:     keys,
//	}
//	http.Handle("/orders", verifier.Middleware(holdfast.Requirements{}, orders))
//
// Without a feed a revoked session ends with its last token: at most 120 seconds
// and the skew. With [FollowRevocations] it ends as soon as the authority says
// so, and streams that were opened with [Verifier.Hold] are closed. A route with
// [Requirements.Strict] asks the authority each time.
//
// The package needs nothing but the standard library. All its types may be used
// by any number of goroutines once their fields are set.
package holdfast
