package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"entente/cmd/internal/config"
)

// Exit codes of every subcommand.
const (
	exitDone   = 0
	exitNo     = 1 // the command worked and the answer is no
	exitUsage  = 2 // the command line makes no sense
	exitFailed = 3
)

// An env is what a subcommand may touch of the outside world.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
}

// errNo ends a command with exit code 1. Its text, if any, goes to stderr.
type errNo struct{ text string }

func (e errNo) Error() string { return e.text }

// errList ends a command with exit code 1 and prints lines as they are.
type errList []string

func (e errList) Error() string { return strings.Join(e, "; ") }

// errUsage ends a command with exit code 2.
type errUsage struct{ text string }

func (e errUsage) Error() string { return e.text }

func usagef(format string, args ...any) error { return errUsage{fmt.Sprintf(format, args...)} }
func nof(format string, args ...any) error    { return errNo{fmt.Sprintf(format, args...)} }

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now}
	root := newRoot(e)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var no errNo
	var usage errUsage
	var list errList
	var mistakes config.Mistakes
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &no):
		if no.text != "" {
			fmt.Fprintln(stderr, oneLine("entente: ", err))
		}
		return exitNo
	case errors.As(err, &list):
		for _, line := range list {
			fmt.Fprintln(stderr, line)
		}
		return exitNo
	case errors.As(err, &mistakes):
		fmt.Fprintln(stderr, mistakes.Lines())
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, oneLine("entente: ", err))
		return exitUsage
	default:
		fmt.Fprintln(stderr, oneLine("entente: ", err))
		return exitFailed
	}
}

// oneLine keeps an error on one line.
func oneLine(prefix string, err error) string {
	return prefix + strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}

// newRoot lists the subcommands. A subcommand is a function of its own file:
// func fooCommand(e *env) *cobra.Command, with RunE, cobra.NoArgs or the like,
// and errors made by usagef, nof or fmt.Errorf.
func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:           "entente",
		Short:         "A TAXII 2.1 server, and a client for any other",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(commands(e)...)
	usageErrors(root)
	return root
}

func commands(e *env) []*cobra.Command {
	return []*cobra.Command{
		serveCommand(e),
		initCommand(e),
		checkCommand(e),
		accountCommand(e),
		agreementCommand(e),
		importCommand(e),
		exportCommand(e),
		pullCommand(e),
		pushCommand(e),
		collectionsCommand(e),
		explainCommand(e),
		consentCommand(e),
		conformCommand(e),
		backupCommand(e),
		restoreCommand(e),
		newBenchCmd(),
		versionCommand(e),
	}
}

func unknownCommand(root *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q", name)
	if s := root.SuggestionsFor(name); len(s) > 0 {
		text += fmt.Sprintf("; did you mean %s?", strings.Join(s, " or "))
	}
	return errUsage{text + "; \"entente help\" lists the commands"}
}

// usageErrors makes wrong flags and arguments of all commands exit with code 2.
func usageErrors(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%s: %v; see %s --help", c.CommandPath(), err, c.CommandPath())
	})
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usagef("%s: %v; see %s --help", c.CommandPath(), err, c.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// printJSON writes v as one indented JSON value.
func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// isTerminal reports whether w (or r) is a terminal.
func isTerminal(rw any) bool {
	f, ok := rw.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
