// Entente is a TAXII 2.1 server in one binary.
//
// A guided tour of the code, from the outside in:
//
//   - cmd/entente (here) has one file per subcommand: flags, one call, an exit
//     code. root.go holds what they share.
//   - cmd/internal/config reads entente.yaml and accounts.yaml; the comments of
//     its types are the manual of these files.
//   - cmd/internal/wire builds a running server from a configuration. Only cmd
//     knows the clock, the environment and the file system's layout.
//   - taxii/server answers requests, taxii has what goes over the wire.
//   - store is the contract of the log that all data lives in, store/bolt the
//     file behind it.
//   - policy says what an agreement lets a partner have and send, and why;
//     policy/release keeps for each partner the log of what it may read.
//   - stix cuts envelopes and bundles into objects without changing a byte, and
//     makes redacted copies.
//   - cmd/internal/archtest holds the layers and sizes above.
package main
