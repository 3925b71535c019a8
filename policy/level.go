package policy

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
