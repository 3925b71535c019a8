package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"entente/cmd/internal/config"
	"entente/taxii/server"
)

// configFlag adds --config, which every command on a server needs.
func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "config", "c", "entente.yaml", "the configuration `file`")
}

func accountCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Add, list, change and remove accounts",
		Long: `Accounts live in the file that the configuration names. These commands change
it in one step and keep its comments; a running server notices by itself.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(accountAdd(e), accountList(e), accountPasswd(e), accountToken(e), accountRemove(e))
	return cmd
}

// editAccounts hands the accounts of the configuration file to change, and
// saves them if it returns nil. Another edit waits until this one is done.
func editAccounts(file string, change func(c *config.Config, ed *config.Edit) error) (err error) {
	c, err := config.LoadForEdit(file)
	if err != nil {
		return err
	}
	unlock, err := config.LockFolder(c.Path(c.Accounts))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	ed, err := config.OpenEdit(c.Path(c.Accounts), c.APIRoots)
	if err != nil {
		return err
	}
	if err := change(c, ed); err != nil {
		return err
	}
	return ed.Save()
}

func accountAdd(e *env) *cobra.Command {
	var file, passwordFile, partner string
	var grants []string
	var token, noPassword, person bool
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add an account",
		Example: `  entente account add soc --grant intel=read
  entente account add ec3 --partner identity--622cb54b-c8e0-4708-a7d9-1d49159e109e --token
  entente account add feeder --grant intel=write --no-password --token`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			a := config.Account{Name: args[0], Partner: partner, Person: person, Collections: map[string]config.Right{}}
			for _, g := range grants {
				name, right, ok := strings.Cut(g, "=")
				if !ok {
					return usagef("--grant %s: write COLLECTION=RIGHT, as in intel=read", g)
				}
				a.Collections[name] = config.Right(right)
			}
			if noPassword && passwordFile != "" {
				return usagef("--no-password and --password-file exclude each other")
			}
			return editAccounts(file, func(c *config.Config, ed *config.Edit) error {
				if ed.Index(a.Name) >= 0 {
					return nof("there is an account %s already; change it with entente account passwd or token", a.Name)
				}
				var show []string
				if !noPassword {
					password, generated, err := e.password(passwordFile)
					if err != nil {
						return err
					}
					if a.Password, err = server.HashPassword(password, rand.Reader); err != nil {
						return err
					}
					if generated {
						show = append(show, "password: "+password)
					}
				}
				if token {
					secret := config.NewSecret()
					a.Tokens = []string{config.HashToken(secret)}
					show = append(show, "token: "+secret)
				}
				if err := ed.Put(a, c.APIRoots); err != nil {
					return wrongAccount(err)
				}
				return e.showSecrets(show)
			})
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().StringArrayVar(&grants, "grant", nil, "what it may do: `COLLECTION=RIGHT`, RIGHT is read, write, readwrite or visible; may be repeated")
	cmd.Flags().StringVar(&partner, "partner", "", "the `id` of the partner's identity: what it may do then stands in the agreements")
	cmd.Flags().BoolVar(&person, "person", false, "the account is one named person's of the partner: TLP:RED may go to it")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "take the password from the first line of `FILE`, - is standard input; default: ask on a terminal, else make one up and print it")
	cmd.Flags().BoolVar(&noPassword, "no-password", false, "no login by password")
	cmd.Flags().BoolVar(&token, "token", false, "make a bearer token, and print it")
	return cmd
}

// wrongAccount words the mistakes in an entry that was about to be written: its
// place in the file is of no use.
func wrongAccount(err error) error {
	var m config.Mistakes
	if !errors.As(err, &m) {
		return err
	}
	var all []string
	for _, one := range m {
		what := one.What
		if _, after, ok := strings.Cut(what, ": "); ok && strings.HasPrefix(what, "accounts[") {
			what = after
		}
		if one.Instead != "" {
			what += ", " + one.Instead
		}
		all = append(all, what)
	}
	return usagef("%s", strings.Join(all, "; "))
}

// showSecrets prints what is shown once and kept nowhere.
func (e *env) showSecrets(lines []string) error {
	for _, l := range lines {
		if _, err := fmt.Fprintln(e.stdout, l); err != nil {
			return err
		}
	}
	if len(lines) > 0 {
		fmt.Fprintln(e.stderr, "This is shown once; only a hash is kept.")
	}
	return nil
}

// password returns the new password: from file ("-" is standard input), typed
// on a terminal, or generated.
func (e *env) password(file string) (password string, generated bool, err error) {
	switch {
	case file != "":
		password, err = e.passwordFrom(file)
	case isTerminal(e.stdin):
		password, err = e.askPassword()
		if password == "" && err == nil {
			return config.NewSecret(), true, nil
		}
	default:
		return config.NewSecret(), true, nil
	}
	if err == nil && password == "" {
		err = nof("the password is empty")
	}
	return password, false, err
}

func (e *env) passwordFrom(file string) (string, error) {
	r := e.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("password: %w", err)
		}
		defer f.Close()
		r = f
	}
	line, err := bufio.NewReader(io.LimitReader(r, 4096)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (e *env) askPassword() (string, error) {
	f := e.stdin.(*os.File) // isTerminal said so
	var typed [2]string
	for i, prompt := range []string{"Password (empty: make one up): ", "Again: "} {
		fmt.Fprint(e.stderr, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(e.stderr)
		if err != nil {
			return "", fmt.Errorf("password: %w", err)
		}
		typed[i] = string(b)
		if typed[0] == "" {
			return "", nil
		}
	}
	if typed[0] != typed[1] {
		return "", nof("the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}

// An accountInfo is what account list says; no secrets.
type accountInfo struct {
	Name        string                  `json:"name"`
	Password    bool                    `json:"password"` // has one
	Tokens      int                     `json:"tokens"`
	Collections map[string]config.Right `json:"collections"`
}

func accountList(e *env) *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the accounts and what they may do",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := config.LoadForEdit(file)
			if err != nil {
				return err
			}
			known, err := c.LoadAccounts()
			if err != nil {
				return err
			}
			list := []accountInfo{}
			for _, a := range known.Accounts {
				list = append(list, accountInfo{a.Name, a.Password != "", len(a.Tokens), a.Collections})
			}
			if asJSON {
				return e.printJSON(list)
			}
			for _, a := range list {
				var rights []string
				for name, right := range a.Collections {
					rights = append(rights, name+"="+string(right))
				}
				slices.Sort(rights)
				how := fmt.Sprintf("%d tokens", a.Tokens)
				if a.Password {
					how = "password, " + how
				}
				fmt.Fprintf(e.stdout, "%s\t%s\t%s\n", a.Name, how, strings.Join(rights, " "))
			}
			return nil
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// changeAccount is a command that changes the account named by its argument.
func changeAccount(use, short string, change func(a *config.Account) (show []string, err error), e *env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return editAccounts(file, func(c *config.Config, ed *config.Edit) error {
				i := ed.Index(args[0])
				if i < 0 {
					return nof("there is no account %s", args[0])
				}
				a := ed.Accounts.Accounts[i]
				show, err := change(&a)
				if err != nil {
					return err
				}
				if err := ed.Put(a, c.APIRoots); err != nil {
					return err
				}
				return e.showSecrets(show)
			})
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func accountPasswd(e *env) *cobra.Command {
	var passwordFile string
	cmd := changeAccount("passwd", "Set an account's password", func(a *config.Account) ([]string, error) {
		password, generated, err := e.password(passwordFile)
		if err != nil {
			return nil, err
		}
		if a.Password, err = server.HashPassword(password, rand.Reader); err != nil {
			return nil, err
		}
		if generated {
			return []string{"password: " + password}, nil
		}
		return nil, nil
	}, e)
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "take the password from the first line of `FILE`, - is standard input; default: ask on a terminal, else make one up and print it")
	return cmd
}

func accountToken(e *env) *cobra.Command {
	var revoke bool
	cmd := changeAccount("token", "Add a bearer token to an account, or revoke all of its tokens", func(a *config.Account) ([]string, error) {
		if revoke {
			a.Tokens = nil
			return nil, nil
		}
		secret := config.NewSecret()
		a.Tokens = append(slices.Clone(a.Tokens), config.HashToken(secret))
		return []string{"token: " + secret}, nil
	}, e)
	cmd.Flags().BoolVar(&revoke, "revoke", false, "remove all tokens instead")
	return cmd
}

func accountRemove(e *env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove an account",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return editAccounts(file, func(c *config.Config, ed *config.Edit) error {
				i := ed.Index(args[0])
				if i < 0 {
					return nof("there is no account %s", args[0])
				}
				return ed.Remove(i, c.APIRoots)
			})
		},
	}
	configFlag(cmd, &file)
	return cmd
}
