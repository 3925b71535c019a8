package wire

import (
	"crypto/subtle"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entente/cmd/internal/config"
)

// BackupHeader carries the content of the token file of a running server.
const BackupHeader = "X-Entente-Token"

// TokenFile is where a running server writes the token that a backup over its
// operator's listener needs. Whoever may read it may read the data file, too.
func TokenFile(data string) string { return data + ".token" }

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
	ad.mux.HandleFunc("POST /backup", ad.backup)
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

// backup streams a snapshot. The connection ends early if it fails, so that
// what arrived is not taken for whole.
func (ad *admin) backup(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimSpace(r.Header.Get(BackupHeader))
	if subtle.ConstantTimeCompare([]byte(token), []byte(ad.token)) != 1 {
		http.Error(w, "the header "+BackupHeader+" does not have the token in "+ad.file, http.StatusForbidden)
		return
	}
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
