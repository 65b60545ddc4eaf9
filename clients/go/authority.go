package holdfast

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Authority is asked on strict routes, by POST /v1/introspect (RFC 7662).
type Authority struct {
	// URL of the service, for example https://auth.internal:4600.
	URL string
	// Key of the API, with the role app or gate.
	Key string
	// Client to ask with. The default follows no redirect and gives up after 5 seconds.
	Client *http.Client
}

const (
	introspectTimeout    = 2 * time.Second
	maxIntrospectedBytes = 64 << 10
)

// Active tells whether the session behind a token lives now. An error means that nobody could say.
func (a *Authority) Active(ctx context.Context, token string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, introspectTimeout)
	defer cancel()
	form := strings.NewReader(url.Values{"token": {token}}.Encode())
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, strings.TrimSuffix(a.URL, "/")+"/v1/introspect", form,
	)
	if err != nil {
		return false, err
	}
	request.Header.Set("Authorization", "Bearer "+a.Key)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	client := a.Client
	if client == nil {
		client = quietClient
	}
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the authority answered %d", response.StatusCode)
	}
	data, err := readAtMost(response.Body, maxIntrospectedBytes)
	if err != nil {
		return false, err
	}
	var answer struct {
		Active *bool `json:"active"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Active == nil {
		return false, fmt.Errorf("the authority's answer has no active")
	}
	return *answer.Active, nil
}
