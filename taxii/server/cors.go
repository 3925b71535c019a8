package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"entente/taxii"
)

// allowOrigin lets a web page of one of Config.Origins read the answer (Fetch
// standard, CORS protocol); allow is the Allow header, for a preflight request.
func (s *Server) allowOrigin(c echo.Context, allow []string) {
	origin := c.Request().Header["Origin"]
	if len(s.c.Origins) == 0 || len(origin) != 1 || !slices.Contains(s.c.Origins, origin[0]) {
		return
	}
	h := c.Response().Header()
	h["Access-Control-Allow-Origin"] = origin
	h["Access-Control-Expose-Headers"] = []string{strings.Join([]string{taxii.HeaderAddedFirst, taxii.HeaderAddedLast, "Retry-After"}, ", ")}
	if c.Request().Method != http.MethodOptions {
		return
	}
	headers := "Accept, Authorization, Content-Type"
	if s.c.APIKeyHeader != "" {
		headers += ", " + s.c.APIKeyHeader
	}
	h["Access-Control-Allow-Methods"] = allow
	h["Access-Control-Allow-Headers"] = []string{headers}
	h["Access-Control-Max-Age"] = []string{"600"}
}
