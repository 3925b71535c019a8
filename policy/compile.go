package policy

// A Set is the agreements of one organisation, compiled. It does not change and
// may be used concurrently.
type Set struct {
	Us OrgID
}

// A Flow is one flow of an agreement revision, compiled. It does not change and
// may be used concurrently.
type Flow struct {
	Name      string
	Agreement *Agreement
	Terms     *FlowTerms
	From, To  OrgID
}
