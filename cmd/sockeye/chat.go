package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
	"sockeye.dev/lan"
	"sockeye.dev/session"
)

func (a *app) chatCmd() *cobra.Command {
	var t talk
	var peers []string
	var menu bool
	cmd := &cobra.Command{
		Use:   "chat",
		Short: "Serverless chat over UDP",
		Long: `Chat sends what you type to every --peer and prints what anybody sends, at the
same time, from one UDP port. --menu is the course's own dialogue: 1 sends, 2
receives; what arrived meanwhile is kept.`,
		Example: `  sockeye chat --bind :7890 --peer 192.168.1.5:7890
  sockeye chat --menu`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			bind, err := address(udp(t.bind))
			if err != nil {
				return err
			}
			c := &lan.Chat{Network: a.network, Note: a.note}
			for _, p := range peers {
				peer, err := address(udp(p))
				if err != nil {
					return err
				}
				c.Peers = append(c.Peers, peer)
			}
			p, err := a.hosting(&t, bind, nil)
			if err != nil {
				return err
			}
			if menu && t.hex {
				return usage("--menu is a dialogue in text: --hex does not go with it")
			}
			observer, closeRecord, err := a.observers(&t, p.config.Format.Encoding)
			if err != nil {
				return err
			}
			defer func() { err = and(err, closeRecord()) }()
			p.config.Observer = observer
			in, closeIn := a.input()
			defer closeIn()
			if !menu { // whose questions want their answers behind them
				defer a.prompt(cmd.Context(), in, nil)()
			}
			c.Bind, c.Config, c.In, c.Out, c.Safe = p.addr, p.config, in.R, a.stdout, isTerminal(a.stdout)
			c.Typed, c.Read = in.Source == handler.Typed, p.reader()
			if out := a.printer(&p); out.Style == handler.Hex || out.Style == handler.JSON {
				out.Label = func(s *session.Session) string { return fmt.Sprintf("%v ", s.Peer()) }
				c.Show = out.Print
			}
			if menu {
				return c.RunMenu(cmd.Context())
			}
			return c.Run(cmd.Context())
		},
	}
	t.register(cmd.Flags())
	t.registerInput(cmd.Flags())
	cmd.Flags().StringVar(&t.bind, "bind", "127.0.0.1:7890", "our own `address`")
	cmd.Flags().StringArrayVar(&peers, "peer", nil, "`address` to send to; may be repeated")
	cmd.Flags().BoolVar(&menu, "menu", false, "the course's dialogue")
	return cmd
}

// udp makes a bare host:port mean UDP.
func udp(arg string) string {
	if a, err := endpoint.Parse(arg); err == nil && a.Scheme == "tcp" {
		a.Scheme = "udp"
		return a.String()
	}
	return arg
}
