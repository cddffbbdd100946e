package templating

import (
	"errors"
	"reflect"
	"text/template/parse"
)

const (
	maxText  = 2_000_000   // bytes of one text
	maxTexts = 200_000_000 // bytes of all texts that one render keeps or hands on
)

var (
	errText  = errors.New("a text grows beyond 2 MB; is it put together in a loop?")
	errTexts = errors.New("more than 200 MB of texts are put together; is there a loop without end?")
)

// bounded lets a value through unless it is a text that has grown too long. A
// text that doubles in a loop takes all the memory of the machine in less time
// than any limit of time would see, and does so with any function that returns
// one: print, a translation, js, the Format of a date.
func (r *Run) bounded(v any) (any, error) {
	switch x := reflect.ValueOf(v); x.Kind() {
	case reflect.String, reflect.Slice:
		r.texts += x.Len()
		switch {
		case x.Len() > maxText:
			return nil, errText
		case r.texts > maxTexts:
			return nil, errTexts
		}
	}
	return v, nil
}

// boundPipe ends a pipeline with bounded, if its value is one that stays: in a
// variable, as the dot of a template or of a with, or as an argument. What is
// printed at once is bounded by Output.
func boundPipe(p *parse.PipeNode, tree *parse.Tree, stays bool) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			if chain, ok := arg.(*parse.ChainNode); ok {
				arg = chain.Node
			}
			if inner, ok := arg.(*parse.PipeNode); ok {
				boundPipe(inner, tree, true)
			}
		}
	}
	if !stays && len(p.Decl) == 0 || len(p.Cmds) == 1 && len(p.Cmds[0].Args) == 1 {
		return // it does not stay, or is there already: the dot, a field, a variable
	}
	last, ok := p.Cmds[len(p.Cmds)-1].Copy().(*parse.CommandNode) // knows its tree
	if !ok {
		return
	}
	last.Args = []parse.Node{parse.NewIdentifier(bounded).SetPos(p.Pos).SetTree(tree)}
	p.Cmds = append(p.Cmds, last)
}
