package stix

import (
	"maps"
	"slices"
)

// Types are the types of objects that the standard defines, sorted; bundle is none.
func Types() []string { return slices.Sorted(maps.Keys(typeProperties)) }

// Fixed reports whether an object of the type can only be withheld as a whole if
// the property must not be told: without it, it is not valid, or says something
// else. Of a type that the standard does not define, only the common properties
// are known.
func Fixed(kind, property string) bool {
	return untouchable[property] || slices.Contains(typeNeeds[kind].always, property)
}
