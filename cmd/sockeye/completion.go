package main

import (
	"strings"

	mcobra "github.com/muesli/mango-cobra"
	"github.com/muesli/roff"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sockeye.dev/charset"
)

func (a *app) completionCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes this command in a shell",
		Long: `Completion prints a script that makes a shell complete commands, flags and
their values: encodings, framings, error policies, addresses.`,
		Example: `  source <(sockeye completion bash)
  sockeye completion zsh > "${fpath[1]}/_sockeye"
  sockeye completion fish > ~/.config/fish/completions/sockeye.fish
  sockeye completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			}
			return root.GenPowerShellCompletionWithDesc(a.stdout)
		},
	}
}

func (a *app) manCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "man",
		Short:   "Print the manual page",
		Example: "  sockeye man | man -l -",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			page, err := mcobra.NewManPage(1, cmd.Root())
			if err != nil {
				return err
			}
			_, err = a.stdout.Write([]byte(page.Build(roff.NewDocument())))
			return err
		},
	}
}

// schemes are how addresses begin.
var schemes = []string{
	"tcp://", "udp://", "tls://", "unix://", "unixgram://", "ws://", "wss://",
}

// values are what can follow a flag.
var values = map[string][]string{
	"errors": {"strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace", "surrogateescape"},
	"frame": {"raw", "line", "crlf", "nul", "delim:", "delim:hex:", "fixed:", "len8", "len16", "len16le", "len32", "len32le",
		"slip", "cobs", "quiet:20ms", "line+quiet:50ms", "datagram"},
	"lang": {"en", "zh"},
}

// completes gives every command's flags and arguments their values.
func completes(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "encoding", "send-encoding", "legacy":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, encodings)
		case "data", "record", "html", "pcapng", "scenario", "cert", "key", "ca", "client-ca", "keylog":
			return // files, which is what a shell does by itself
		default:
			if v := values[f.Name]; v != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(v, noSpace))
			} else if f.NoOptDefVal == "" {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
			}
		}
	})
	if strings.Contains(cmd.Use, "ADDR") {
		cmd.ValidArgsFunction = addresses
	} else if strings.Contains(cmd.Use, "ENCODING") {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return encodings(cmd, args, begun)
		}
	} else if cmd.ValidArgs == nil && !cmd.HasSubCommands() {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range cmd.Commands() {
		completes(sub)
	}
}

// noSpace lets more be typed behind a completion.
const noSpace = cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp

// encodings completes names; a label that is no name only if it was begun.
func encodings(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	names := []string{"auto"}
	for _, e := range charset.All() {
		names = append(names, e.Name())
		if begun == "" {
			continue
		}
		for _, label := range e.Labels() {
			if strings.HasPrefix(label, begun) {
				names = append(names, label)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// addresses completes schemes, and paths behind those that have one.
func addresses(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && !strings.Contains(cmd.Use, "ADDR...") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if strings.HasPrefix(begun, "unix") && strings.Contains(begun, ":") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return schemes, noSpace
}
