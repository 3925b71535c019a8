// Package taxii holds the wire of TAXII 2.1: resources, media types, the query
// language, continuation tokens and errors. It does no I/O.
package taxii

// MediaType is the media type of every TAXII 2.1 body, written exactly so
// (TAXII 2.1, section 1.6.8).
const MediaType = "application/taxii+json;version=2.1"

// Header names as TAXII 2.1, section 3.2 spells them. Set them by direct map
// assignment: http.Header.Set would change their case.
const (
	HeaderAddedFirst = "X-TAXII-Date-Added-First"
	HeaderAddedLast  = "X-TAXII-Date-Added-Last"
)

// A Discovery is what a server says of itself (TAXII 2.1, section 4.1.1).
type Discovery struct {
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Contact     string   `json:"contact,omitempty"`
	Default     string   `json:"default,omitempty"`
	APIRoots    []string `json:"api_roots,omitempty"`
}

// An APIRoot describes a group of collections (TAXII 2.1, section 4.2.1).
type APIRoot struct {
	Title            string   `json:"title"`
	Description      string   `json:"description,omitempty"`
	Versions         []string `json:"versions"`
	MaxContentLength int64    `json:"max_content_length"` // of a request body, in octets
}

// A Collection is as one caller sees it (TAXII 2.1, section 5.2.1).
type Collection struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Alias       string   `json:"alias,omitempty"`
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types,omitempty"`
}

// Collections is the list of an API root (TAXII 2.1, section 5.1.1).
type Collections struct {
	Collections []Collection `json:"collections,omitempty"`
}

// A Manifest lists object versions (TAXII 2.1, section 5.3.1). Next is an
// erratum the committee accepted: paging a manifest needs it too.
type Manifest struct {
	More    bool             `json:"more,omitempty"`
	Next    string           `json:"next,omitempty"`
	Objects []ManifestRecord `json:"objects,omitempty"`
}

// A ManifestRecord describes one version of an object (TAXII 2.1, section 5.3.1).
type ManifestRecord struct {
	ID        string `json:"id"`
	DateAdded string `json:"date_added"`
	Version   string `json:"version"`
	MediaType string `json:"media_type,omitempty"`
}

// Versions lists the versions of one object (TAXII 2.1, section 5.8.1).
type Versions struct {
	More     bool     `json:"more,omitempty"`
	Next     string   `json:"next,omitempty"`
	Versions []string `json:"versions,omitempty"`
}

// The two values of Status.Status (TAXII 2.1, section 4.3.1).
const (
	StatusComplete = "complete"
	StatusPending  = "pending"
)

// A Status tells what became of the objects of one POST (TAXII 2.1, section
// 4.3.1). A list that is there is as long as its count.
type Status struct {
	ID               string         `json:"id"`
	Status           string         `json:"status"`
	RequestTimestamp string         `json:"request_timestamp,omitempty"`
	TotalCount       int            `json:"total_count"`
	SuccessCount     int            `json:"success_count"`
	Successes        []StatusDetail `json:"successes,omitempty"`
	FailureCount     int            `json:"failure_count"`
	Failures         []StatusDetail `json:"failures,omitempty"`
	PendingCount     int            `json:"pending_count"`
	Pendings         []StatusDetail `json:"pendings,omitempty"`
}

// A StatusDetail is about one object of a Status (TAXII 2.1, section 4.3.1).
type StatusDetail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Message string `json:"message,omitempty"`
}
