package load

import "io"

// Decompress looks at the first bytes of r and undoes gzip or zstd. Call done
// when nothing more is read.
func Decompress(r io.Reader) (plain io.Reader, done func(), err error) { return decompress(r) }
