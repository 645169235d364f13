package workbench

import (
	_ "embed"
	"slices"
)

//go:generate go test -run ^TestSchema$ -update

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of the file, for editors: what Parse accepts and a schema can say. It
// is made of File and its comments. In one thing it is stricter: text that looks like a number has to be quoted.
func Schema() []byte { return slices.Clone(schema) }
