package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"entente/cmd/internal/config"
	"entente/cmd/internal/wire"
)

// askOperator sends a request to the operator's listener at the URL admin of the
// server that has the data of c open. The caller closes the answer's body.
func askOperator(ctx context.Context, c *config.Config, admin, method, path string, body io.Reader) (*http.Response, error) {
	token, err := os.ReadFile(wire.TokenFile(c.Path(c.Store.Path)))
	if err != nil {
		return nil, fmt.Errorf("the token of the running server: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(admin, "/")+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set(wire.TokenHeader, strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return nil, fmt.Errorf("%s answers %s: %s", admin, resp.Status, strings.TrimSpace(string(text)))
	}
	return resp, nil
}

// askJSON is askOperator for answers in JSON.
func askJSON(ctx context.Context, c *config.Config, admin, method, path string, body io.Reader, into any) error {
	resp, err := askOperator(ctx, c, admin, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}

// operatorOf is the URL of the running server's operator listener: admin if that
// is given, else what the configuration says; "" if it says nothing.
func operatorOf(c *config.Config, admin string) string {
	if admin != "" || c.Operator == "" || strings.HasSuffix(c.Operator, ":0") {
		return admin
	}
	return "http://" + c.Operator
}
