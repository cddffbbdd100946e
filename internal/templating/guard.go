// Package templating keeps an operator's templates within bounds, in mail and on
// pages: they are read only if they can be meant, a render ends in time and with
// so much output at most, and a mistake is told by its place and in few words.
//
// The procedure: Read the files, parse them with the Functions of a Run, Guard
// every parsed tree, and execute into an Output of the same Run.
package templating

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"text/template/parse"
)

// The functions that Guard puts into templates.
const (
	alive   = "alive"
	bounded = "bounded"
)

// Run is one render at a time: what the functions in a guarded template know of it.
type Run struct {
	ctx   context.Context
	texts int // bytes, that went through bounded
}

// Begin starts a render that is to stop when ctx ends; its cause is the error.
func (r *Run) Begin(ctx context.Context) { *r = Run{ctx: ctx} }

// Functions adds to the functions of a template those that Guard needs.
func (r *Run) Functions(own map[string]any) map[string]any {
	maps.Copy(own, map[string]any{alive: r.alive, bounded: r.bounded})
	return own
}

// alive fails when the time of the render is over.
func (r *Run) alive() (bool, error) {
	if r.ctx.Err() != nil {
		return false, context.Cause(r.ctx)
	}
	return true, nil
}

// Guard puts {{if alive}}{{end}} at the start of a template and of each of its
// loops. The function fails when the render's time is over, so that a template
// which loops or calls itself for ever is stopped, even one that prints nothing;
// templates cannot be cancelled from outside, only abandoned. And it has every
// text that a template keeps or hands on go through bounded.
func Guard(tree *parse.Tree) error {
	if tree == nil || tree.Root == nil {
		return nil
	}
	place, _ := tree.ErrorContext(tree.Root) // "file:line:column"
	line := 1
	if parts := strings.Split(place, ":"); len(parts) > 2 {
		line, _ = strconv.Atoi(parts[len(parts)-2])
	}
	return guardList(tree.Root, tree, line, true)
}

func guardList(list *parse.ListNode, tree *parse.Tree, line int, loop bool) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		var err error
		switch n := n.(type) {
		case *parse.ActionNode:
			boundPipe(n.Pipe, tree, false)
		case *parse.TemplateNode:
			boundPipe(n.Pipe, tree, true)
		case *parse.IfNode:
			boundPipe(n.Pipe, tree, false)
			err = errors.Join(guardList(n.List, tree, n.Line, false), guardList(n.ElseList, tree, n.Line, false))
		case *parse.WithNode:
			boundPipe(n.Pipe, tree, true)
			err = errors.Join(guardList(n.List, tree, n.Line, false), guardList(n.ElseList, tree, n.Line, false))
		case *parse.RangeNode:
			boundPipe(n.Pipe, tree, false)
			err = errors.Join(guardList(n.List, tree, n.Line, true), guardList(n.ElseList, tree, n.Line, false))
		}
		if err != nil {
			return err
		}
	}
	if loop {
		// Parsed under the file's name at the loop's line: that is what the error will name.
		file := tree.ParseName
		stop, err := parse.Parse(file, strings.Repeat("\n", max(line-1, 0))+"{{if "+alive+"}}{{end}}", "", "", map[string]any{alive: true})
		if err != nil {
			return Located(err)
		}
		nodes := stop[file].Root.Nodes
		list.Nodes = append([]parse.Node{nodes[len(nodes)-1]}, list.Nodes...)
	}
	return nil
}
