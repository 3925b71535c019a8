// Package release keeps the release logs up to date: for each partner and
// collection the log of what the agreements let it see. It is the one place
// where policy and store meet.
//
// A [Releaser] follows the logs of objects. For every new entry it asks policy
// what each partner may have, works out what that means for everything that
// mentions it, and commits the difference to the release logs together with its
// own position, so that a crash at any point loses, doubles and leaks nothing.
package release
