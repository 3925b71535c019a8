package server

import (
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entente/store"
)

// metrics are what operators watch. Labels are routes, methods, statuses and
// outcomes: never names or values of clients.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
	objects  *prometheus.CounterVec
}

// newMetrics registers them; nil if reg is nil.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	if reg == nil {
		return nil, nil
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "entente_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "entente_http_request_seconds", Help: "Time from the request's header to the end of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
		}, []string{"route"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "entente_http_response_bytes_total", Help: "Bytes of answers, compressed where they are.",
		}, []string{"route"}),
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "entente_posted_objects_total", Help: "Objects posted, by what became of them.",
		}, []string{"outcome"}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.bytes, m.objects} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// A series is the metrics of one route and method, looked up once, and the log
// that names both. Without metrics it counts nothing.
type series struct {
	m             *metrics // nil: none
	log           slog.Handler
	route, method string
	ok, bytes     prometheus.Counter
	seconds       prometheus.Observer
}

func (m *metrics) series(log slog.Handler, route, method string) *series {
	x := &series{m: m, log: log.WithAttrs([]slog.Attr{slog.String("method", method), slog.String("route", route)}), route: route}
	if m == nil {
		return x
	}
	switch method {
	case "GET", "HEAD", "POST", "DELETE", "OPTIONS":
	default:
		method = "other" // clients choose these: they must not make series
	}
	x.method = method
	x.ok = m.requests.WithLabelValues(route, method, "200")
	x.bytes, x.seconds = m.bytes.WithLabelValues(route), m.seconds.WithLabelValues(route)
	return x
}

// count counts one request.
func (x *series) count(status int, bytes int64, took time.Duration) {
	if x.m == nil {
		return
	}
	if status == 200 {
		x.ok.Inc()
	} else {
		x.m.requests.WithLabelValues(x.route, x.method, strconv.Itoa(status)).Inc()
	}
	x.seconds.Observe(took.Seconds())
	x.bytes.Add(float64(bytes))
}

// posted counts objects; invalid are those that never reached the store.
func (m *metrics) posted(outcomes []store.Outcome, invalid int) {
	if m == nil {
		return
	}
	for _, o := range outcomes {
		m.objects.WithLabelValues(outcomeName(o)).Inc()
	}
	m.objects.WithLabelValues("invalid").Add(float64(invalid))
}

func outcomeName(o store.Outcome) string {
	switch o {
	case store.Stored:
		return "stored"
	case store.Duplicate:
		return "duplicate"
	case store.Differs:
		return "differs"
	case store.Foreign:
		return "foreign"
	case store.AfterRevoked:
		return "after_revoked"
	case store.TooMany:
		return "too_many"
	}
	return "other"
}
