// Package jsonfeed checks documents against a JSON Schema of JSON Feed 1.1, for
// tests. There is no official schema: this one is written from the specification,
// and stricter than it in what we leave out on purpose.
package jsonfeed

import (
	"bytes"
	_ "embed"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed schema.json
var schema []byte

// Schema is the compiled schema.
type Schema struct{ compiled *jsonschema.Schema }

// Compile compiles the schema. Formats, such as those of addresses and dates, are
// held to.
func Compile() (*Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("schema.json: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("jsonfeed.json", doc); err != nil {
		return nil, fmt.Errorf("schema.json: %w", err)
	}
	compiled, err := c.Compile("jsonfeed.json")
	if err != nil {
		return nil, fmt.Errorf("schema.json: %w", err)
	}
	return &Schema{compiled}, nil
}

// Check says what of a document is not as the schema wants it.
func (s *Schema) Check(data []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.compiled.Validate(doc)
}
