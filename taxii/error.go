package taxii

import (
	"fmt"
	"net/http"
)

// An Error is a TAXII error message (TAXII 2.1, section 3.6.1). Handlers return
// it; the client gets Title and Description, and only the log sees Err.
type Error struct {
	Status      int // HTTP status, 400 to 599
	Title       string
	Description string
	Err         error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("taxii: %d %s", e.Status, e.Title)
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with the standard title of status.
func Errorf(status int, format string, args ...any) *Error {
	return &Error{Status: status, Title: http.StatusText(status), Description: fmt.Sprintf(format, args...)}
}

// An ErrorMessage is an Error on the wire. HTTPStatus is a string there.
type ErrorMessage struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	ErrorID     string `json:"error_id,omitempty"`
	ErrorCode   string `json:"error_code,omitempty"`
	HTTPStatus  string `json:"http_status,omitempty"`
}
