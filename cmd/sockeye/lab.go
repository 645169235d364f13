package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	xterm "golang.org/x/term"

	"sockeye.dev/lab"
)

// labFlags are what a run of the lab is asked to do.
type labFlags struct {
	file    string
	set     []string
	seed    string
	packets int
	pace    float64
	step    bool
	html    string
	pcapng  string
	serve   string
	kernel  bool
}

func (a *app) labCmd() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use:   "lab [SCENARIO]",
		Short: "TCP and UDP over a bad line, packet by packet",
		Long: `Lab runs real TCP and UDP (gVisor's, in userspace) between hosts on simulated
lines, in virtual time and without privileges, and shows each packet: why it was
sent, what became of it, what the receiver made of it. A scorecard says which of
TCP's claims this run has proven, and which it could not.

A run is a scenario, its knobs and a seed, all in one string as in the example;
the same string gives the same run, to the byte. Without a scenario, lab lists
them. Knobs are seed, link, ab, ba, fault, flow, hosts, cc, sack, rack, nagle,
minrto, mtu, offload and until; docs/lab.md teaches with them.`,
		Example: `  sockeye lab                                       what there is
  sockeye lab fast-retransmit                       a lost segment, and how TCP notices
  sockeye lab 'fast-retransmit?fault=drop A>B data 5-7&seed=7'
  sockeye lab clean --set 'link=delay 50ms loss 10%' --pace 0.1
  sockeye lab sawtooth --html saw.html --pcapng saw
  sockeye lab --serve                               the same in a browser`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, s := range lab.Scenarios() {
				names = append(names, s.Name+"\t"+s.Title.In(a.lang.name()))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.serve != "" {
				other := len(args) > 0
				cmd.Flags().Visit(func(flag *pflag.Flag) {
					other = other || flag.Name != "serve" && cmd.InheritedFlags().Lookup(flag.Name) == nil
				})
				if other {
					return usage("--serve shows all scenarios in a browser: it goes with no scenario, and with no other flag of lab")
				}
				return a.serveLab(cmd.Context(), f.serve)
			}
			if len(args) == 0 && f.file == "" && len(f.set) == 0 {
				return a.listLab()
			}
			if !(f.pace >= 0) || math.IsInf(f.pace, 0) || f.packets < 0 {
				return usage("--pace and --packets are not negative")
			}
			s, err := f.setup(args)
			if err != nil {
				return err
			}
			if len(s.Flows) == 0 {
				return usage("there is no flow in it: nobody says anything")
			}
			return a.runLab(cmd.Context(), s, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.file, "scenario", "", "read scenarios of one's own from `file`")
	flags.StringArrayVar(&f.set, "set", nil, "turn a knob: `knob=value`; may be repeated")
	flags.StringVar(&f.seed, "seed", "", "`number` that all chance comes from")
	flags.IntVar(&f.packets, "packets", 100, "show the first `number` of packets in the diagram; 0: all")
	flags.Float64Var(&f.pace, "pace", 0, "show the diagram at `times` real time: 1 as it happens, 0.1 slow motion")
	flags.BoolVar(&f.step, "step", false, "show the diagram packet by packet, at the Enter key")
	flags.StringVar(&f.html, "html", "", "write the run as one page to `file`: diagram, plots, scorecard")
	flags.StringVar(&f.pcapng, "pcapng", "", "write what each host has seen to `prefix`-A.pcapng and so on, for Wireshark")
	flags.StringVar(&f.serve, "serve", "", "serve the lab to browsers at `host:port`")
	flags.Lookup("serve").NoOptDefVal = "127.0.0.1:7787"
	flags.BoolVar(&f.kernel, "kernel", false, "run it under this Linux's own TCP, in real time; needs root")
	return cmd
}

// setup is the scenario that arguments and flags name.
func (f *labFlags) setup(args []string) (s lab.Setup, err error) {
	share := ""
	if len(args) > 0 {
		share = args[0]
	}
	if f.file == "" {
		s, err = lab.Find(share)
	} else {
		s, err = f.own(share)
	}
	if err != nil {
		return s, usageError{err}
	}
	set := slices.Clip(f.set)
	if f.seed != "" {
		set = append(set, "seed="+f.seed)
	}
	for _, knob := range set {
		name, value, ok := strings.Cut(knob, "=")
		if !ok {
			return s, usage("--set %s: a knob is turned by knob=value, such as seed=7", knob)
		}
		if err := s.Set(name, value); err != nil {
			return s, usageError{err}
		}
	}
	return s, nil
}

// own is what share names in the file: the scenario of that name, or the first,
// with its knobs.
func (f *labFlags) own(share string) (lab.Setup, error) {
	if at, err := os.Stat(f.file); err == nil && !at.Mode().IsRegular() {
		return lab.Setup{}, fmt.Errorf("%s: that is no file", f.file)
	}
	file, err := os.Open(f.file)
	if err != nil {
		return lab.Setup{}, err
	}
	defer file.Close()
	all, err := lab.Read(file)
	if err != nil {
		return lab.Setup{}, fmt.Errorf("%s: %w", f.file, err)
	}
	s, err := lab.FindIn(all, share)
	if err != nil {
		return lab.Setup{}, fmt.Errorf("%s: %w", f.file, err)
	}
	return s, nil
}

func (a *app) listLab() error {
	width := 0
	for _, s := range lab.Scenarios() {
		width = max(width, len(s.Name))
	}
	for _, s := range lab.Scenarios() {
		if _, err := fmt.Fprintf(a.stdout, "%-*s  %s\n", width, s.Name, s.Title.In(a.lang.name())); err != nil {
			return err
		}
	}
	a.note("run one: sockeye lab fast-retransmit; or all in a browser: sockeye lab --serve")
	return nil
}

func (a *app) runLab(ctx context.Context, s lab.Setup, f *labFlags) error {
	var run *lab.Run
	if f.kernel {
		kernel, err := lab.Kernel(ctx, s)
		if err != nil {
			return wrongSetup(err)
		}
		run = &kernel.Run
		defer a.kernelNote(kernel)
	} else {
		var err error
		if run, err = lab.Do(ctx, s); err == errInterrupted && (a.json || f.html != "" || f.pcapng != "") {
			return errors.New("interrupted before the run was over: nothing was written")
		} else if err != nil {
			return wrongSetup(err)
		}
	}
	lang := a.lang.name()
	if f.html != "" {
		if err := writeFile(f.html, func(w io.Writer) error { return run.HTML(w, lab.PageOptions{Lang: lang}) }); err != nil {
			return err
		}
	}
	if f.pcapng != "" {
		for i := range max(s.Hosts, 2) {
			if err := writeFile(f.pcapng+"-"+lab.Host(i)+".pcapng", func(w io.Writer) error { return run.Pcapng(w, i) }); err != nil {
				return err
			}
		}
	}
	if a.json {
		b := bufio.NewWriter(a.stdout)
		if err := run.JSON(b); err != nil {
			return err
		}
		return b.Flush()
	}
	return a.showLab(ctx, run, f)
}

// wrongSetup makes what cannot be run wrong usage.
func wrongSetup(err error) error {
	var setup *lab.SetupError
	if errors.As(err, &setup) {
		return usageError{err}
	}
	return err
}

// writeFile writes a file anew, all of it or an error.
func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(file)
	err = write(b)
	if err == nil {
		err = b.Flush()
	}
	return cmp.Or(err, file.Close())
}

// showLab prints the run for people.
func (a *app) showLab(ctx context.Context, run *lab.Run, f *labFlags) error {
	lang, color, width := a.lang.name(), false, 100
	if isTerminal(a.stdout) {
		color = a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
		if out, ok := a.stdout.(*os.File); ok {
			if w, _, err := xterm.GetSize(int(out.Fd())); err == nil && w > 0 {
				width = w
			}
		}
	}
	w := bufio.NewWriter(a.stdout)
	s := run.Setup
	if s.Title.En != "" {
		fmt.Fprintf(w, "%s\n\n", s.Title.In(lang))
	}
	if s.Text.En != "" {
		fmt.Fprintf(w, "%s\n\n", lab.Wrap(s.Text.In(lang), min(width, 80)))
	}
	if f.kernel {
		fmt.Fprintf(w, "%s\n\n", a.lang.format("The kernel says neither why it sends nor what it makes of what arrives: that is inferred from the packets."))
	}
	if err := a.playLab(ctx, w, run, lab.LadderOptions{Width: width, Color: color, Lang: lang, Max: f.packets}, f); err != nil {
		return err
	}
	for _, flow := range run.Flows {
		if flow.ClientError != "" {
			fmt.Fprintf(w, a.lang.format("\n%s: the application on %s was told: %s\n"), flow.Flow, lab.Host(flow.Flow.From), a.lang.text(flow.ClientError))
		}
		if flow.Stalled {
			fmt.Fprintf(w, a.lang.format("\n%s: it came to rest before all had arrived, and nobody was told\n"), flow.Flow)
		}
		if flow.ServerError != "" {
			fmt.Fprintf(w, a.lang.format("\n%s: the application on %s was told: %s\n"), flow.Flow, lab.Host(flow.Flow.To), a.lang.text(flow.ServerError))
		}
	}
	fmt.Fprintln(w)
	if err := run.Scorecard(w, width, lang, color); err != nil {
		return err
	}
	if !f.kernel {
		fmt.Fprintf(w, a.lang.format("\nsockeye lab %s   (%d packets, %v, digest %s)\n"), quoted(s.Share()), len(run.Packets), run.Virtual.Round(time.Millisecond), run.Digest()[:16])
	}
	return w.Flush()
}

// longestPause bounds what --pace waits where nothing happens: TIME-WAIT is a
// minute.
const longestPause = 3 * time.Second

// playLab prints the diagram: at once, at a pace, or step by step.
func (a *app) playLab(ctx context.Context, w *bufio.Writer, run *lab.Run, o lab.LadderOptions, f *labFlags) error {
	key := func() error { return nil }
	if f.step {
		key = a.keys(ctx)
		a.note("Enter: on to the next packet; Ctrl-C: end")
	}
	last := time.Duration(-1)
	for row := range run.LadderRows(o) {
		if f.pace > 0 && last >= 0 && row.At > last {
			if err := w.Flush(); err != nil {
				return err
			}
			select {
			case <-time.After(time.Duration(min(float64(row.At-last)/f.pace, float64(longestPause)))):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		last = row.At
		fmt.Fprint(w, row.Text)
		if f.step && row.Event {
			if err := w.Flush(); err != nil {
				return err
			}
			if err := key(); err != nil {
				return err
			}
			if isTerminal(a.stdin) { // the key has ended the line on the screen
				continue
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// keys returns a function that waits for the Enter key. It gives up the terminal
// when ctx ends, and not the reading, which nothing can end.
func (a *app) keys(ctx context.Context) func() error {
	typed := make(chan error)
	go func() {
		defer close(typed)
		for lines := bufio.NewScanner(a.stdin); lines.Scan(); {
			select {
			case typed <- nil:
			case <-ctx.Done():
				return
			}
		}
	}()
	over := false
	return func() error {
		if over {
			return nil // the input has ended: on without stopping
		}
		select {
		case _, ok := <-typed:
			over = !ok
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// kernelNote says what the kernel itself has counted.
func (a *app) kernelNote(run *lab.KernelRun) {
	lost, again := 0, 0
	for _, p := range run.Packets {
		data := p.Header.Len > 0 || strings.Contains(p.Header.Flags, "SYN") || strings.Contains(p.Header.Flags, "FIN")
		if p.Header.Proto == "TCP" && data && (p.Fate.Has(lab.Lost) || p.Fate.Has(lab.QueueDrop)) {
			lost++
		}
		if p.Retransmission() {
			again++
		}
	}
	resent := int64(0)
	for _, c := range run.Counters {
		resent += c["TcpRetransSegs"]
	}
	a.note("the line lost %d segments that TCP repeats, and there were %d retransmissions on it; the kernel has counted %d", lost, again, resent)
}

// quoted is a word as a shell reads it.
func quoted(word string) string {
	if strings.ContainsAny(word, "?&*<>' %") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

// serveLab serves the lab's page until it is told to stop.
func (a *app) serveLab(ctx context.Context, address string) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: lab.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
	})
	host, port, _ := net.SplitHostPort(ln.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	a.note("the lab is at http://%s/", net.JoinHostPort(host, port))
	err = server.Serve(ln)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
