package bench

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// Static serves the floor that the server is compared with, until the process
// is stopped: Go's net/http doing the least for the same bytes.
//
//	GET  /p/NAME  a file of pages, from memory
//	GET  /gz/NAME the same, compressed with gzip -1 for each request
//	GET  /small   300 bytes
//	POST /append  the body appended to the file log, with one fdatasync; 202
//	POST /reset   the file log emptied
//
// Both pages and log may be "": then the paths that need them answer 404.
func Static(addr, pages, log string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /small", plain(make([]byte, smallSize)))
	if pages != "" {
		names, err := filepath.Glob(filepath.Join(pages, "*"))
		if err != nil {
			return err
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			mux.HandleFunc("GET /p/"+filepath.Base(name), plain(data))
			mux.HandleFunc("GET /gz/"+filepath.Base(name), zipped(data))
		}
	}
	if log != "" {
		f, err := os.Create(log)
		if err != nil {
			return err
		}
		defer f.Close()
		a := &appender{f: f}
		mux.HandleFunc("POST /append", a.append)
		mux.HandleFunc("POST /reset", a.reset)
	}
	return http.ListenAndServe(addr, mux)
}

// smallSize is the size of the answer that the poll which finds nothing is
// compared with.
const smallSize = 300

var mediaType = []string{"application/taxii+json;version=2.1"}

func plain(data []byte) http.HandlerFunc {
	size := []string{strconv.Itoa(len(data))}
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Type"], h["Content-Length"] = mediaType, size
		w.Write(data)
	}
}

// zippers are kept, as a careful server would.
var zippers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

func zipped(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		z := zippers.Get().(*gzip.Writer)
		defer zippers.Put(z)
		h := w.Header()
		h["Content-Type"], h["Content-Encoding"] = mediaType, []string{"gzip"}
		z.Reset(w)
		z.Write(data)
		z.Close()
	}
}

// An appender makes each body durable before it answers.
type appender struct {
	mu sync.Mutex // guards f: one append and sync at a time
	f  *os.File
}

func (a *appender) append(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	_, err := a.f.Write(body)
	err = errors.Join(err, syncData(a.f))
	a.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprint(w, `{"id":"0","status":"complete","total_count":0}`)
}

func (a *appender) reset(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, seek := a.f.Seek(0, io.SeekStart)
	if err := errors.Join(a.f.Truncate(0), seek); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
