package natsbus

import (
	"slices"
	"sync"
)

// health gathers the reasons why the bus is cut off: the connection, a room without a quorum, a subscription that has to
// be resumed. The bus is back when none is left.
type health struct {
	mu       sync.Mutex
	causes   []cause // oldest first: it is the one that is told
	watchers []*watcher
}

type cause struct {
	of  any // what is cut off, comparable
	err error
}

type watcher struct{ f func(error) }

func (h *health) isDown(of any) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.find(of) >= 0
}

func (h *health) find(of any) int {
	return slices.IndexFunc(h.causes, func(c cause) bool { return c.of == of })
}

// set notes that of is cut off because of err, or with nil that it is not, and tells the watchers what that changes.
func (h *health) set(of any, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.find(of)
	switch {
	case err == nil && i >= 0:
		h.causes = slices.Delete(h.causes, i, i+1)
		if len(h.causes) == 0 {
			h.tell(nil)
		}
	case err != nil && i < 0:
		h.causes = append(h.causes, cause{of, err})
		if len(h.causes) == 1 {
			h.tell(err)
		}
	}
}

// tell calls the watchers with mu held, so that each sees the changes in their order and none after its stop.
func (h *health) tell(down error) {
	for _, w := range h.watchers {
		w.f(down)
	}
}

func (h *health) watch(f func(error)) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &watcher{f}
	h.watchers = append(h.watchers, w)
	if len(h.causes) > 0 {
		f(h.causes[0].err)
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.watchers = slices.DeleteFunc(h.watchers, func(x *watcher) bool { return x == w })
	}
}
