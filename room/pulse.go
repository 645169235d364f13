package room

import (
	"sync"
	"time"
)

// pulse is when each other node was last heard.
type pulse struct {
	mu    sync.Mutex
	heard map[uint64]time.Time
}

func (p *pulse) hear(node uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard == nil {
		p.heard = make(map[uint64]time.Time)
	}
	p.heard[node] = time.Now()
}

// silence is for how long node has not been heard. One never heard before is heard now.
func (p *pulse) silence(node uint64) time.Duration {
	p.mu.Lock()
	last, ok := p.heard[node]
	p.mu.Unlock()
	if !ok {
		p.hear(node)
		return 0
	}
	return time.Since(last)
}

// beating is who was heard in the last few beats.
func (p *pulse) beating() (nodes []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, last := range p.heard {
		if time.Since(last) < 3*beatEvery {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// restart gives everybody time again: it was we who heard nothing.
func (p *pulse) restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := range p.heard {
		p.heard[n] = time.Now()
	}
}
