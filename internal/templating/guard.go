// Package templating keeps an operator's templates within bounds, in mail and on
// pages: they are read only if they can be meant, a render ends in time and with
// so much output at most, and a mistake is told by its place and in few words.
//
// The procedure: Read the files, parse them with a function named Alive, Guard
// every parsed tree, and execute into an Output of the same Run.
package templating

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"text/template/parse"
)

// Alive is the name under which templates have to have Run.Alive.
const Alive = "alive"

// Run is one render at a time: what Alive knows of it.
type Run struct{ ctx context.Context }

// Begin starts a render that is to stop when ctx ends; its cause is the error.
func (r *Run) Begin(ctx context.Context) { r.ctx = ctx }

// Alive fails when the time of the render is over.
func (r *Run) Alive() (bool, error) {
	if r.ctx.Err() != nil {
		return false, context.Cause(r.ctx)
	}
	return true, nil
}

// Guard puts {{if alive}}{{end}} at the start of a template and of each of its
// loops. The function fails when the render's time is over, so that a template
// which loops or calls itself for ever is stopped, even one that prints nothing;
// templates cannot be cancelled from outside, only abandoned.
func Guard(tree *parse.Tree) error {
	if tree == nil || tree.Root == nil {
		return nil
	}
	place, _ := tree.ErrorContext(tree.Root) // "file:line:column"
	line := 1
	if parts := strings.Split(place, ":"); len(parts) > 2 {
		line, _ = strconv.Atoi(parts[len(parts)-2])
	}
	return guardList(tree.Root, tree.ParseName, line, true)
}

func guardList(list *parse.ListNode, file string, line int, loop bool) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		var err error
		switch n := n.(type) {
		case *parse.IfNode:
			err = errors.Join(guardList(n.List, file, n.Line, false), guardList(n.ElseList, file, n.Line, false))
		case *parse.WithNode:
			err = errors.Join(guardList(n.List, file, n.Line, false), guardList(n.ElseList, file, n.Line, false))
		case *parse.RangeNode:
			err = errors.Join(guardList(n.List, file, n.Line, true), guardList(n.ElseList, file, n.Line, false))
		}
		if err != nil {
			return err
		}
	}
	if loop {
		// Parsed under the file's name at the loop's line: that is what the error will name.
		stop, err := parse.Parse(file, strings.Repeat("\n", max(line-1, 0))+"{{if "+Alive+"}}{{end}}", "", "", map[string]any{Alive: true})
		if err != nil {
			return Located(err)
		}
		nodes := stop[file].Root.Nodes
		list.Nodes = append([]parse.Node{nodes[len(nodes)-1]}, list.Nodes...)
	}
	return nil
}
