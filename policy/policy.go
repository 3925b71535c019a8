// Package policy decides what each partner may see. It reads agreements
// (memoranda of understanding), compiles them into flows, and decides about a
// holding, one received copy of an object, stage by stage.
//
// The package is pure: it has no clock, does no I/O and keeps no state. Doubt
// denies: no agreement in force, an unknown marking, an error while evaluating a
// restriction all withhold. A restriction beats every grant.
package policy

import (
	"errors"
	"math"

	"entente/stix"
)

// ErrInvalid is wrapped by every error about an agreement, a consent or a
// signature that cannot be used.
var ErrInvalid = errors.New("invalid agreement")

// An OrgID names an organisation: the id of its STIX identity.
type OrgID = stix.ID

// An Instant is microseconds since the Unix epoch, UTC. Zero is long ago, Never
// is after everything.
type Instant int64

// Never is the instant that does not come.
const Never Instant = math.MaxInt64

// An Effect is what a decision comes to. Effects order by what they let out, and
// several combine to the least. The zero Effect withholds.
type Effect uint8

const (
	Withhold Effect = iota // nothing is shown, not even that the object exists
	Redact                 // a copy without some parts, as a new object
	Permit                 // the object, byte for byte
)

// A Level is a label of the Traffic Light Protocol as policy sees it, strictest
// last. Several in one object join to the greatest.
type Level uint8

const (
	LevelNone  Level = iota // no marking of the family: a default applies
	LevelClear              // TLP 1 calls it WHITE
	LevelGreen
	LevelAmber
	LevelAmberStrict
	LevelRed
	LevelUnknown // a marking that cannot be read: stricter than all
)

// A Stage is a step of a decision, in the order in which they are evaluated.
type Stage uint8

const (
	StageIntegrity Stage = iota
	StageGrant
	StageLabel
	StageCeiling
	StageAudience
	StageUpstream
	StageCodes
	StageTime
	StagePersonal
	StageSource
	StageGranular
	StageClosure
	StageLabelBytes
	StageObligations
)
