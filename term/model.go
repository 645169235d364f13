package term

import (
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// maxHistory is how many lines can be had again.
const maxHistory = 1000

// tab stands for a tab that was pasted, which the input would not keep. It is
// no character (Unicode 23.7), so nobody types it.
const tab = "\uFFFE"

// model is what the program edits: a line, and those typed before.
type model struct {
	p     *Prompt
	input textinput.Model

	history []string
	at      int    // in history; len(history) is the line being typed
	draft   string // that line while another one is looked at
}

func newModel(p *Prompt) *model {
	m := &model{p: p, input: textinput.New()}
	m.input.Prompt = ""
	m.input.SetVirtualCursor(false)
	m.input.KeyMap.Paste.SetEnabled(false) // the terminal's own is right
	m.input.Focus()
	return m
}

func (m *model) Init() tea.Cmd {
	close(m.p.started)
	return nil
}

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.p.resized(msg.Width)
	case tea.ResumeMsg:
		m.p.redraw(ansi.SetModeBracketedPaste)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	}
	value := []rune(strings.ReplaceAll(m.input.Value(), tab, " "))
	m.p.edited(string(value[:m.input.Position()]), string(value[m.input.Position():]))
	return m, cmd
}

// View is empty: Prompt draws.
func (m *model) View() tea.View { return tea.View{} }

func (m *model) key(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "enter", "ctrl+j": // typed before Open, it is the latter
		m.enter()
	case "ctrl+c":
		if m.p.options.Interrupt == nil {
			m.p.end()
			return nil
		}
		m.p.options.Interrupt()
	case "ctrl+d":
		if m.input.Value() == "" {
			m.p.end()
			return nil
		}
		return m.edit(msg)
	case "ctrl+z":
		return tea.Suspend
	case "ctrl+l":
		m.p.redraw(ansi.CursorHomePosition + ansi.EraseEntireScreen)
	case "up", "ctrl+p":
		m.recall(m.at - 1)
	case "down", "ctrl+n":
		m.recall(m.at + 1)
	case "tab":
		m.complete()
	default:
		return m.edit(msg)
	}
	return nil
}

func (m *model) edit(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(msg)
	return cmd
}

// enter hands the line over.
func (m *model) enter() {
	line := m.value()
	m.p.entered(line)
	if line != "" && (len(m.history) == 0 || m.history[len(m.history)-1] != line) {
		m.history = append(m.history, line)
		m.history = m.history[max(0, len(m.history)-maxHistory):]
	}
	m.at, m.draft = len(m.history), ""
	m.input.Reset()
}

// value is the line being typed.
func (m *model) value() string { return strings.ReplaceAll(m.input.Value(), tab, "\t") }

// set replaces it.
func (m *model) set(line string) {
	m.input.SetValue(strings.ReplaceAll(line, "\t", tab))
	m.input.CursorEnd()
}

// paste types text; a line's end in it is Enter.
func (m *model) paste(text string) {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
	for i, line := range lines {
		if i > 0 {
			m.enter()
		}
		m.edit(tea.PasteMsg{Content: strings.ReplaceAll(line, "\t", tab)})
	}
}

// recall shows a line of the history.
func (m *model) recall(at int) {
	if at < 0 || at > len(m.history) {
		return
	}
	if m.at == len(m.history) {
		m.draft = m.value()
	}
	m.at = at
	line := m.draft
	if at < len(m.history) {
		line = m.history[at]
	}
	m.set(line)
}

// complete goes as far as all candidates agree, and shows them if there are
// several.
func (m *model) complete() {
	line := m.value()
	if m.p.options.Complete == nil || m.input.Position() != len([]rune(line)) {
		return
	}
	candidates := m.p.options.Complete(line)
	if len(candidates) == 0 {
		return
	}
	common := candidates[0]
	for _, c := range candidates[1:] {
		for !strings.HasPrefix(c, common) {
			_, size := utf8.DecodeLastRuneInString(common)
			common = common[:len(common)-size]
		}
	}
	if len(common) > len(line) {
		m.set(common)
		return
	}
	if len(candidates) > 1 {
		_, _ = m.p.Write([]byte(strings.Join(candidates, "  ") + "\n"))
	}
}
