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
	"strings"
	"sync"
	"unicode/utf8"

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
	started chan struct{} // keys come as they are pressed
	ended   chan struct{} // the program has given the terminal back

	mu     sync.Mutex
	wake   sync.Cond
	lines  []byte // typed and not read yet
	eof    bool   // no more will be typed
	cancel bool   // nobody reads any more
	closed bool

	// What is drawn at the bottom: the beginning of a line that was written,
	// if there is one, and below it the label and what is being typed.
	midline       string // at most a row: see above
	left, right   string // of the cursor
	before, after string // of the cursor, as drawn
	width         int    // of the terminal; 0: not known yet
	rows          int    // drawn above the cursor's
	buf           bytes.Buffer
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
	p := &Prompt{out: out, options: o, started: make(chan struct{}), ended: make(chan struct{})}
	p.wake.L = &p.mu
	p.program = tea.NewProgram(newModel(p), tea.WithInput(in), tea.WithOutput(undrawn{out}),
		tea.WithEnvironment(o.Env), tea.WithoutSignalHandler(), tea.WithFPS(1))
	go func() {
		_, _ = p.program.Run() // however it ends, nothing more will be typed
		close(p.ended)
		p.end()
	}()
	select { // what is typed before is echoed by the terminal
	case <-p.started:
	case <-p.ended:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf.WriteString(ansi.SetModeBracketedPaste)
	p.erase() // resized may have drawn
	_ = p.draw()
	return p
}

// Close gives the terminal back. Writes that follow go to it as they are.
func (p *Prompt) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		p.erase()
		if len(p.midline) > 0 {
			p.buf.WriteString(p.midline)
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
// newline stands right above it, where more will follow. It may have colours
// and tabs in it, but no other control characters.
func (p *Prompt) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.out.Write(b)
	}
	return len(b), p.above(b)
}

// above writes text above the line, with the lock held. Of a line without its
// end only the last row can still be drawn anew: there may never be an end.
func (p *Prompt) above(text []byte) error {
	p.erase()
	text = append([]byte(p.midline), text...)
	end := bytes.LastIndexByte(text, '\n') + 1
	for line := range bytes.Lines(text[:end]) {
		p.buf.Write(bytes.TrimRight(line, "\r\n"))
		p.buf.WriteString("\r\n") // the terminal is in raw mode
	}
	rows := wrap(string(text[end:]), p.cells())
	p.midline = rows[len(rows)-1]
	for _, row := range rows[:len(rows)-1] {
		// Not left to the terminal: it would put the rows together again when
		// it gets wider, and then the first would be erased with the last.
		p.buf.WriteString(row)
		p.buf.WriteString("\r\n")
	}
	return p.draw()
}

// cells is the terminal's width, or a guess.
func (p *Prompt) cells() int {
	if p.width == 0 {
		return 80
	}
	return p.width
}

// erase takes away what is drawn at the bottom, row by row: a screen that is
// cleared from its first row on tmux would keep in its history.
func (p *Prompt) erase() {
	p.buf.WriteString("\r" + ansi.EraseLineRight)
	for ; p.rows > 0; p.rows-- {
		p.buf.WriteString(ansi.CUU1 + ansi.EraseLineRight)
	}
}

// draw draws it, and writes all that has been put together.
func (p *Prompt) draw() error {
	if len(p.midline) > 0 {
		p.buf.WriteString(p.midline)
		if strings.Contains(p.midline, "\x1b") {
			p.buf.WriteString(ansi.ResetStyle)
		}
		p.buf.WriteString("\r\n")
		p.rows = 1
	}
	label := p.options.Label
	avail := max(p.cells()-ansi.StringWidth(label)-1, 1)
	left := tail(p.left, avail)
	p.before = label + left
	p.after = ansi.Truncate(p.right, avail-ansi.StringWidth(left), "")
	p.buf.WriteString(p.before)
	p.buf.WriteString(p.after)
	p.buf.WriteByte('\r')
	p.buf.WriteString(ansi.CursorForward(ansi.StringWidth(p.before)))
	_, err := p.out.Write(p.buf.Bytes())
	p.buf.Reset()
	return err
}

// tail is as much of the end of text as fits in width cells.
func tail(text string, width int) string {
	for over := ansi.StringWidth(text) - width; over > 0 && text != ""; {
		first, cells := ansi.FirstGraphemeCluster(text, ansi.GraphemeWidth)
		text = text[len(first):]
		over -= cells
	}
	return text
}

// maxCluster is how many bytes are taken for one character at most, by far
// more than any has that means something.
const maxCluster = 128

// wrap breaks text into the rows that it fills on a terminal, at least one.
// Tabs become spaces, and a colour goes on in the next row.
func wrap(text string, width int) []string {
	var rows []string
	var row strings.Builder
	column, color := 0, ""
	for len(text) > 0 {
		next := text[:min(len(text), maxCluster)]
		for len(next) < len(text) && len(next) > maxCluster-utf8.UTFMax && !utf8.RuneStart(text[len(next)]) {
			next = next[:len(next)-1]
		}
		cells := 0
		if next[0] == '\x1b' {
			next, _, _, _ = ansi.DecodeSequence(next, ansi.NormalState, nil)
		} else {
			next, cells = ansi.FirstGraphemeCluster(next, ansi.GraphemeWidth)
		}
		text = text[len(next):]
		if next == "\t" { // to the next stop, but not past the last column
			cells = max(min(8-column%8, width-column), 0)
			next = strings.Repeat(" ", cells)
		}
		switch {
		case next == "\x1b[m" || next == "\x1b[0m":
			color = ""
		case strings.HasPrefix(next, "\x1b[") && strings.HasSuffix(next, "m"):
			color = next
		}
		// Cells are not enough: characters without any could follow for ever.
		if column > 0 && column+cells > width || row.Len()+len(next) > 4*width+512 {
			if color != "" {
				row.WriteString(ansi.ResetStyle)
			}
			rows = append(rows, row.String())
			row.Reset()
			row.WriteString(color)
			column = 0
		}
		row.WriteString(next)
		column += cells
	}
	return append(rows, row.String())
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
	p.width = width
	cursor := len(wrap(p.before+"_", p.cells()))
	if below := len(wrap(p.before+p.after, p.cells())) - cursor; below > 0 {
		p.buf.WriteString(ansi.CursorDown(below))
		cursor += below
	}
	p.rows = cursor - 1
	if len(p.midline) > 0 {
		p.rows += len(wrap(p.midline, p.cells()))
	}
	_ = p.above(nil)
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
