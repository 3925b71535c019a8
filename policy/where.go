package policy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
)

// whereCost is the most that an expression may cost to evaluate, in CEL's units,
// one or so for a comparison. Beyond it the object does not match.
const whereCost = 10_000

// A where is the compiled select.where of a flow: a CEL expression over a closed
// view of the object. It selects, and never restricts, so an error is no match.
type where struct{ program cel.Program }

// compileWhere compiles an expression. It must be boolean and know no other names
// than those of an object's view. The error says where in the text it is wrong.
func compileWhere(text string) (*where, error) {
	list := cel.ListType(cel.StringType)
	env, err := cel.NewEnv(
		cel.Variable("o.type", cel.StringType), cel.Variable("o.created", cel.TimestampType), cel.Variable("o.modified", cel.TimestampType),
		cel.Variable("o.confidence", cel.IntType), cel.Variable("o.labels", list), cel.Variable("o.tlp", cel.StringType),
		cel.Variable("o.lang", cel.StringType), cel.Variable("o.kill_chain_phases", list), cel.Variable("o.pattern_type", cel.StringType),
		cel.Variable("o.revoked", cel.BoolType),
	)
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, errors.New(strings.TrimPrefix(strings.SplitN(err.Error(), "\n", 2)[0], "ERROR: <input>:"))
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("is of type %s; write an expression that is true or false", ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(whereCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	return &where{program}, nil
}

// match reports whether the object is one that the expression selects.
func (w *where) match(t *Traits, level Level) bool {
	out, _, err := w.program.Eval(&view{t, level})
	if err != nil {
		return false
	}
	yes, ok := out.Value().(bool)
	return ok && yes
}

// A view is what an expression sees of an object (cel.Activation).
type view struct {
	t     *Traits
	level Level
}

// Parent is nil: there is nothing else to see.
func (v *view) Parent() cel.Activation { return nil }

// ResolveName returns the value of a name; false if the object has none.
func (v *view) ResolveName(name string) (any, bool) {
	c, h := v.t.Content, v.t.Header
	switch name {
	case "o.type":
		return h.Type, true
	case "o.created":
		return celTime(h.Created)
	case "o.modified":
		return celTime(h.VersionText())
	case "o.confidence":
		return c.Confidence, true
	case "o.labels":
		return c.Labels, true
	case "o.tlp":
		return v.level.String(), true
	case "o.lang":
		return c.Lang, true
	case "o.kill_chain_phases":
		return c.KillChainPhases, true
	case "o.pattern_type":
		return c.PatternType, true
	case "o.revoked":
		return h.Revoked, true
	}
	return nil, false
}

func celTime(text string) (any, bool) {
	i, ok := stixInstant(text)
	return time.UnixMicro(int64(i)).UTC(), ok
}
