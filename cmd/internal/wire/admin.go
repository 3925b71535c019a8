package wire

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entente/cmd/internal/config"
	"entente/policy"
	"entente/stix"
)

// TokenHeader carries the content of the token file of a running server.
const TokenHeader = "X-Entente-Token"

// TokenFile is where a running server writes the token that backups and
// questions over its operator's listener need. Whoever may read it may read the data file, too.
func TokenFile(data string) string { return data + ".token" }

// maxAgreement is the most bytes of an agreement's document.
const maxAgreement = 1 << 20

// admin is the operator's listener.
type admin struct {
	app   *App
	mux   *http.ServeMux
	token string
	file  string
}

func newAdmin(a *App, metrics prometheus.Gatherer) (*admin, error) {
	ad := &admin{app: a, mux: http.NewServeMux(), token: config.NewSecret(), file: TokenFile(a.c.Path(a.c.Store.Path))}
	if err := config.WriteFile(ad.file, []byte(ad.token+"\n"), 0o600); err != nil {
		return nil, err
	}
	ad.mux.Handle("/", a.server.AdminHandler(metrics))
	ad.mux.HandleFunc("POST /backup", ad.guard(ad.backup))
	ad.mux.HandleFunc("POST /agreements/plan", ad.guard(ad.plan))
	ad.mux.HandleFunc("GET /explain", ad.guard(ad.explain))
	ad.mux.HandleFunc("POST /consents", ad.guard(ad.addConsent))
	ad.mux.HandleFunc("GET /consents", ad.guard(ad.consents))
	ad.mux.HandleFunc("DELETE /consents/{id}", ad.guard(ad.removeConsent))
	return ad, nil
}

func (ad *admin) httpServer() *http.Server {
	return &http.Server{
		Handler:           ad.mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(ad.app.out.Log.Handler(), slog.LevelDebug),
	}
}

// guard lets through who has the token.
func (ad *admin) guard(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimSpace(r.Header.Get(TokenHeader))
		if subtle.ConstantTimeCompare([]byte(token), []byte(ad.token)) != 1 {
			http.Error(w, "the header "+TokenHeader+" does not have the token in "+ad.file, http.StatusForbidden)
			return
		}
		h(w, r)
	}
}

// plan answers with what the revision in the body would change.
func (ad *admin) plan(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAgreement))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	ad.answer(w, func() (any, error) {
		p, err := ProposeDraft(r.Context(), ad.app.c, ad.app.store, File{Name: cmp.Or(r.URL.Query().Get("file"), "agreement"), Text: text})
		if err != nil {
			return nil, err
		}
		return Plan(r.Context(), ad.app.c, ad.app.releaser, p)
	})
}

// explain answers with what a partner gets of an object.
func (ad *admin) explain(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ad.answer(w, func() (any, error) {
		return Explain(r.Context(), ad.app.c, ad.app.releaser, policy.OrgID(q.Get("partner")), stix.ID(q.Get("object")))
	})
}

// answer writes what ask returns as JSON. A server without agreements has no
// answers.
func (ad *admin) answer(w http.ResponseWriter, ask func() (any, error)) {
	if ad.app.releaser == nil {
		http.Error(w, "this server has no agreements", http.StatusNotFound)
		return
	}
	what, err := ask()
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what) // who asks has gone, then
}

// backup streams a snapshot. The connection ends early if it fails, so that
// what arrived is not taken for whole.
func (ad *admin) backup(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := ad.app.store.Backup(r.Context(), w); err != nil {
		ad.app.out.Log.Error("backup", slog.String("err", err.Error()))
		panic(http.ErrAbortHandler)
	}
	ad.app.out.Log.Info("backup sent")
}

func (ad *admin) close() error {
	if err := os.Remove(ad.file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
