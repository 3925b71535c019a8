package wire

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"entente/cmd/internal/config"
	"entente/store"
)

// newRegistry has the metrics of the process and of the collections.
func newRegistry(c *config.Config, st store.Store) (*prometheus.Registry, error) {
	reg := prometheus.NewRegistry()
	sizes := &sizes{store: st,
		objects: prometheus.NewDesc("entente_collection_versions", "Object versions in a collection.", []string{"root", "collection"}, nil),
		bytes:   prometheus.NewDesc("entente_collection_bytes", "Bytes of the objects in a collection.", []string{"root", "collection"}, nil),
		head:    prometheus.NewDesc("entente_collection_head_seconds", "When the newest object was added, as Unix time; 0 if none was.", []string{"root", "collection"}, nil),
	}
	for _, r := range c.APIRoots {
		for _, col := range r.Collections {
			sizes.logs = append(sizes.logs, logName{r.Path, col.ID})
		}
	}
	return reg, errors.Join(
		reg.Register(collectors.NewGoCollector()),
		reg.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
		reg.Register(sizes),
	)
}

// sizes reports the size of each collection when asked.
type sizes struct {
	store                store.Store
	logs                 []logName
	objects, bytes, head *prometheus.Desc
}

type logName struct{ root, collection string }

func (s *sizes) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.objects
	ch <- s.bytes
	ch <- s.head
}

func (s *sizes) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, l := range s.logs {
		stat, err := s.store.Stat(ctx, store.LogID(l.collection))
		if err != nil {
			ch <- prometheus.NewInvalidMetric(s.objects, err)
			continue
		}
		for desc, v := range map[*prometheus.Desc]float64{
			s.objects: float64(stat.Entries),
			s.bytes:   float64(stat.Bytes),
			s.head:    float64(stat.Head) / 1e6,
		} {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, l.root, l.collection)
		}
	}
}
