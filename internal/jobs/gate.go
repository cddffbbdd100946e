package jobs

import "sync"

// gate lets so many calls of this process out at once, and of one owner of
// callbacks so many.
type gate struct {
	most, mostOf int

	mu    sync.Mutex
	open  int
	of    map[string]int
	freed chan struct{} // closed when somebody leaves
}

func newGate(most, mostOf int) *gate {
	return &gate{most: most, mostOf: mostOf, of: map[string]int{}, freed: make(chan struct{})}
}

// enter reports whether one more may go out.
func (g *gate) enter(owner string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.most || g.of[owner] >= g.mostOf {
		return false
	}
	g.open++
	g.of[owner]++
	return true
}

// leave tells those who wait.
func (g *gate) leave(owner string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.of[owner]--; g.of[owner] == 0 {
		delete(g.of, owner)
	}
	close(g.freed)
	g.freed = make(chan struct{})
}

// news returns what is closed when somebody leaves after this.
func (g *gate) news() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.freed
}
