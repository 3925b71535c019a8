package policy

import "fmt"

// levelNames are spelled as FIRST spells them, without "TLP:".
var levelNames = [...]string{LevelNone: "", LevelClear: "CLEAR", LevelGreen: "GREEN", LevelAmber: "AMBER",
	LevelAmberStrict: "AMBER+STRICT", LevelRed: "RED", LevelUnknown: "UNKNOWN"}

// String is the level as agreements write it, such as "AMBER+STRICT"; "" for
// none and "UNKNOWN" for everything that is no level.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return levelNames[LevelUnknown]
}

// ParseLevel reads one of "CLEAR", "GREEN", "AMBER", "AMBER+STRICT" and "RED",
// in capitals. Anything else is LevelUnknown and false.
func ParseLevel(text string) (Level, bool) {
	for l := LevelClear; l <= LevelRed; l++ {
		if levelNames[l] == text {
			return l, true
		}
	}
	return LevelUnknown, false
}

// join is the stricter of two levels.
func (l Level) join(m Level) Level { return max(l, m) }

// MarshalText writes a level as String does, so that what is stored does not
// depend on how levels are numbered here.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText writes. The error wraps ErrInvalid.
func (l *Level) UnmarshalText(text []byte) error {
	for i, name := range levelNames {
		if name == string(text) {
			*l = Level(i)
			return nil
		}
	}
	return fmt.Errorf("%w: %.40q is not a level", ErrInvalid, text)
}
