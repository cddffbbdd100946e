package templating

import (
	"bytes"
	"context"
	"fmt"
)

// Output takes what a template prints until there is too much of it or time is over.
type Output struct {
	bytes.Buffer
	ctx  context.Context
	name string
	most int // bytes
}

// Output returns an empty one for the render; errors name the template's file.
func (r *Run) Output(name string, most int) *Output {
	return &Output{ctx: r.ctx, name: name, most: most}
}

func (o *Output) Write(p []byte) (int, error) {
	if o.ctx.Err() != nil {
		return 0, fmt.Errorf("%s: %w", o.name, context.Cause(o.ctx))
	}
	if o.Len()+len(p) > o.most {
		return 0, fmt.Errorf("%s: prints more than %d MB; is there a loop without end in it?", o.name, o.most/1_000_000)
	}
	return o.Buffer.Write(p)
}
