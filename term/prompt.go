// Package term is the terminal: a line that is being typed at its bottom, with
// editing, history and completion, and above it whatever else there is to say,
// which never garbles the line.
//
// A [Prompt] is an io.Reader of the lines that a person typed and an io.Writer
// of text for that person to see, so that what is written for a plain terminal
// needs nothing else to use one.
package term

import (
	"bytes"
	"io"
	"os"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Options are what a Prompt may be told. The zero value is ready.
type Options struct {
	// Label stands before the line. Default: "> ".
	Label string
	// Complete returns the lines that could be meant by what was typed so far,
	// each beginning with it. Default: none.
	Complete func(line string) []string
	// Interrupt is called at Ctrl-C. Default: the input ends.
	Interrupt func()
	// Env is the environment that says what the terminal can do, as os.Environ
	// returns it.
	Env []string
}

// Prompt is a terminal with a line being typed. Reading is for one goroutine
// at a time, everything else for any.
//
// Keys are read by bubbletea; the drawing is done here, at once and in the
// order of the writes. (Bubbletea draws sixty times a second, and what is
// inserted above its view before the first time is lost.)
type Prompt struct {
	program *tea.Program
	out     io.Writer
	options Options
	ended   chan struct{} // the program has given the terminal back

	mu     sync.Mutex
	wake   sync.Cond
	lines  []byte // typed and not read yet
	eof    bool   // no more will be typed
	cancel bool   // nobody reads any more
	closed bool

	// What is drawn at the bottom: the beginning of a line that was written,
	// if there is one, and below it the label and what is being typed.
	midline     []byte
	left, right string // of the cursor
	width       int    // of the terminal; 0: not known yet
	column      int    // where the cursor was put
	rows        int    // drawn above its row
	buf         bytes.Buffer
}

// undrawn is a terminal on which bubbletea sets modes and asks for the size,
// but draws nothing. (Without a renderer it would not do the former either.)
type undrawn struct{ *os.File }

func (undrawn) Write(b []byte) (int, error) { return len(b), nil }

func (undrawn) WriteString(s string) (int, error) { return len(s), nil }

// Open takes over a terminal until Close.
func Open(in, out *os.File, o Options) *Prompt {
	if o.Label == "" {
		o.Label = "> "
	}
	p := &Prompt{out: out, options: o, ended: make(chan struct{})}
	p.wake.L = &p.mu
	p.program = tea.NewProgram(newModel(p), tea.WithInput(in), tea.WithOutput(undrawn{out}),
		tea.WithEnvironment(o.Env), tea.WithoutSignalHandler(), tea.WithFPS(1))
	go func() {
		_, _ = p.program.Run() // however it ends, nothing more will be typed
		close(p.ended)
		p.end()
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf.WriteString(ansi.SetModeBracketedPaste)
	p.draw()
	return p
}

// Close gives the terminal back. Writes that follow go to it as they are.
func (p *Prompt) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		p.erase()
		if len(p.midline) > 0 {
			p.buf.Write(p.midline)
			p.buf.WriteString("\r\n")
		}
		p.buf.WriteString(ansi.ResetModeBracketedPaste)
		_, _ = p.out.Write(p.buf.Bytes())
	}
	p.mu.Unlock()
	p.program.Quit()
	<-p.ended
	return nil
}

// Restore gives the terminal back at once, for a program about to exit.
func (p *Prompt) Restore() {
	_, _ = io.WriteString(p.out, "\r"+ansi.EraseLineRight+ansi.ResetModeBracketedPaste)
	p.program.Kill()
	<-p.ended
}

// Read reads the lines typed, each with its end. io.EOF is Ctrl-D on an empty
// line, or Close.
func (p *Prompt) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.lines) == 0 && !p.eof && !p.cancel {
		p.wake.Wait()
	}
	if len(p.lines) == 0 || p.cancel {
		return 0, io.EOF
	}
	n := copy(b, p.lines)
	p.lines = append(p.lines[:0], p.lines[n:]...)
	return n, nil
}

// Cancel ends a Read under way and all later ones.
func (p *Prompt) Cancel() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel = true
	p.wake.Broadcast()
	return true
}

// Write shows text above the line being typed. Text that does not end in a
// newline stands right above it, where more will follow.
func (p *Prompt) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.out.Write(b)
	}
	return len(b), p.above(b)
}

// above writes text above the line, with the lock held.
func (p *Prompt) above(text []byte) error {
	p.erase()
	text = append(p.midline, text...)
	end := bytes.LastIndexByte(text, '\n') + 1
	for line := range bytes.Lines(text[:end]) {
		p.buf.Write(bytes.TrimRight(line, "\r\n"))
		p.buf.WriteString("\r\n") // the terminal is in raw mode
	}
	p.midline = append([]byte(nil), text[end:]...)
	return p.draw()
}

// erase takes away what is drawn at the bottom, row by row: a screen that is
// cleared from its first row on tmux would keep in its history.
func (p *Prompt) erase() {
	p.buf.Reset()
	p.buf.WriteString("\r" + ansi.EraseLineRight)
	for ; p.rows > 0; p.rows-- {
		p.buf.WriteString(ansi.CUU1 + ansi.EraseLineRight)
	}
}

// draw draws it, and writes all that has been put together.
func (p *Prompt) draw() error {
	width := p.width
	if width == 0 {
		width = 1 << 20
	}
	if len(p.midline) > 0 {
		p.buf.WriteString(tail(string(p.midline), width-1))
		p.buf.WriteString("\r\n")
		p.rows = 1
	}
	label := p.options.Label
	avail := max(width-ansi.StringWidth(label)-1, 1)
	left := tail(p.left, avail)
	p.column = ansi.StringWidth(label) + ansi.StringWidth(left)
	p.buf.WriteString(label)
	p.buf.WriteString(left)
	p.buf.WriteString(ansi.Truncate(p.right, avail-ansi.StringWidth(left), ""))
	p.buf.WriteByte('\r')
	p.buf.WriteString(ansi.CursorForward(p.column))
	_, err := p.out.Write(p.buf.Bytes())
	p.buf.Reset()
	return err
}

// tail is as much of the end of text as fits in width cells.
func tail(text string, width int) string {
	for ansi.StringWidth(text) > width {
		first, _ := ansi.FirstGraphemeCluster(text, ansi.GraphemeWidth)
		text = text[len(first):]
	}
	return text
}

// edited shows the line being typed as it is now.
func (p *Prompt) edited(left, right string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || left == p.left && right == p.right {
		return
	}
	p.left, p.right = left, right
	p.erase()
	_ = p.draw()
}

// entered adds a line for Read, and leaves it above as a terminal's echo would.
func (p *Prompt) entered(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(append(p.lines, line...), '\n')
	p.wake.Broadcast()
	p.left, p.right = "", ""
	_ = p.above([]byte(p.options.Label + line + "\n"))
}

// resized draws anew: a narrower terminal has broken what is drawn into more
// rows.
func (p *Prompt) resized(width int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if width > 0 {
		p.rows += p.column / width
	}
	p.width = width
	p.erase()
	_ = p.draw()
}

// redraw draws on a terminal that shows something else.
func (p *Prompt) redraw(before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf.Reset()
	p.rows = 0
	p.buf.WriteString(before)
	_ = p.draw()
}

// end says that nothing more will be typed.
func (p *Prompt) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.eof = true
	p.wake.Broadcast()
}
