package policy

// applyDefaults writes what absent terms mean, so that code reads terms and need not
// ask. Absent stay fields.labels_allow and external_reference_hosts, whose default
// depends on the object; that tlp.default was not written counts, too: see says.
func (a *Agreement) applyDefaults() {
	fill(&a.Valid.Grace, "P0D")
	for _, p := range []*Party{&a.Parties.A, &a.Parties.B} {
		fill(&p.Relation, "partner")
		fill(&p.Enforces, "none")
		fillList(&p.Understands, "tlp1")
	}
	for i := range a.Flows {
		a.Flows[i].applyDefaults()
	}
	fill(&a.Reciprocity.OnBreach, "notify")
	fillList(&a.Suspension.By, "a", "b")
	fill(&a.Suspension.Effect, "stop-new+hide-old")
	fill(&a.Audit.Log, "full")
	fill(&a.Audit.Share, "never")
	fill(&a.Audit.Mask, "ids-hmac")
	fill(&a.Audit.Evidence, "hash-chain")
	fill(&a.Breach.NotifyWithin, "PT24H")
	fill(&a.Breach.Contact, "security")
	fill(&a.Compelled.Notify, "notify")
}

func (f *FlowTerms) applyDefaults() {
	fill(&f.TLP.Max, "GREEN")
	fill(&f.TLP.Default, "AMBER+STRICT")
	fill(&f.TLP.Floor, "CLEAR")
	fill(&f.TLP.Red, "never")
	fillNumber(&f.TLP.AmberClientDepth, 1)
	fill(&f.TLP.V1OnlyStrict, "withhold")
	fill(&f.PAP.Max, "CLEAR")
	fill(&f.PAP.Default, "AMBER")
	fillList(&f.Handling.Accept, "H0")
	fill(&f.Handling.Evaluation.Missing, "permit")
	fill(&f.ACS, "withhold")
	fill(&f.Statements.Unknown, "carry")
	fill(&f.Granular.Mode, "join")
	fill(&f.Granular.Above, "withhold")
	fill(&f.Redaction.IDScope, "mou")
	fill(&f.Redaction.DerivedFrom, "never")
	fillList(&f.PersonalData.Detectors, detectors...)
	fill(&f.PersonalData.Special, "withhold")
	fill(&f.Attribution.Source, "disclose")
	fill(&f.Attribution.Victims, "anonymise")
	fill(&f.Attribution.Sightings, "anonymise")
	fill(&f.Attribution.ConsentLabels, "honour")
	fill(&f.Embargo.Lift, "originator")
	fill(&f.Onward.Mode, "none")
	fillNumber(&f.Onward.MaxHops, 1)
	fill(&f.Actions.EncryptInTransit, "must")
	fill(&f.Actions.Permitted, "internally-visible-actions")
	fill(&f.Actions.NotifyAffected, "must-not")
	fill(&f.Actions.UnmodifiedResale, "must-not")
	fill(&f.Actions.DerivedProducts, "permit")
	fill(&f.Actions.AITraining, "must-not")
	fill(&f.Actions.JudicialUse, "consent")
	fill(&f.Retention.Max, "P1Y")
	fill(&f.Retention.AfterTermination, "P30D")
	fill(&f.Changes.OnUpgrade, "withdraw+recall")
	fill(&f.Changes.OnRevoke, "send-if-sent")
	fill(&f.Changes.Retroactive, "none")
	fill(&f.References.Dangling, "withhold")
	fill(&f.Extensions.Unknown, "withhold")
}

func fill[T ~string](term *T, value T) {
	if *term == "" {
		*term = value
	}
}

// fillList sets a list that is absent; an empty one is meant.
func fillList(term *[]string, values ...string) {
	if *term == nil {
		*term = append([]string(nil), values...)
	}
}

func fillNumber(term **int, value int) {
	if *term == nil {
		*term = &value
	}
}
