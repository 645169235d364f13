package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sockeye.dev/charset"
	"sockeye.dev/handler"
)

func (a *app) textCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "text",
		Short: "Encode, decode and detect text encodings",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.encodeCmd(), a.decodeCmd(), a.detectCmd(), a.listCmd())
	return cmd
}

func (a *app) encodeCmd() *cobra.Command {
	var policy string
	var asHex bool
	cmd := &cobra.Command{
		Use:     "encode ENCODING [TEXT...]",
		Short:   "Text to bytes",
		Long:    "Encode writes TEXT, or UTF-8 from standard input, in ENCODING: as bytes, or as hexadecimal digits with --hex and on a terminal.",
		Example: "  sockeye text encode gbk 你好 --hex",
		Args:    needEncoding,
		RunE: func(_ *cobra.Command, args []string) error {
			e, p, err := codec(args[0], policy)
			if err != nil {
				return err
			}
			text, err := a.argument(args[1:])
			if err != nil {
				return err
			}
			b, err := e.EncodeString(string(text), p)
			if err != nil {
				return err
			}
			if asHex || isTerminal(a.stdout) {
				b = []byte(hex.EncodeToString(b) + "\n")
			}
			_, err = a.stdout.Write(b)
			return err
		},
	}
	cmd.Flags().StringVar(&policy, "errors", "strict", "what becomes of characters the encoding lacks: `policy` as in Python")
	cmd.Flags().BoolVar(&asHex, "hex", false, "print hexadecimal digits")
	return cmd
}

func (a *app) decodeCmd() *cobra.Command {
	var policy string
	var asHex bool
	cmd := &cobra.Command{
		Use:     "decode ENCODING [TEXT...]",
		Short:   "Bytes to text",
		Long:    "Decode reads bytes in ENCODING from standard input, or from TEXT with --hex, and writes UTF-8.",
		Example: "  sockeye text decode gbk --hex 'c4 e3 ba c3'",
		Args:    needEncoding,
		RunE: func(_ *cobra.Command, args []string) error {
			e, p, err := codec(args[0], policy)
			if err != nil {
				return err
			}
			b, err := a.argument(args[1:])
			if err != nil {
				return err
			}
			if asHex {
				if b, err = handler.ParseHex(string(b)); err != nil {
					return usageError{err}
				}
			}
			text, err := e.DecodeString(b, p)
			if err != nil {
				return err
			}
			if isTerminal(a.stdout) {
				text = string(charset.AppendVisible(nil, []byte(text), charset.VisibleOptions{}))
			}
			if len(args) > 1 {
				text += "\n"
			}
			_, err = io.WriteString(a.stdout, text)
			return err
		},
	}
	cmd.Flags().StringVar(&policy, "errors", "strict", "what becomes of bytes that are no text: `policy` as in Python")
	cmd.Flags().BoolVar(&asHex, "hex", false, "the input is hexadecimal digits")
	return cmd
}

func (a *app) detectCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "detect [FILE]",
		Short:   "Guess the encoding of a file or standard input",
		Example: "  sockeye text detect notes.txt",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			in := a.stdin
			if len(args) == 1 {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			data, err := io.ReadAll(io.LimitReader(in, 1<<20))
			if err != nil {
				return err
			}
			guesses := charset.Detect(data)
			if len(guesses) == 0 {
				return errors.New("detect: no encoding fits these bytes")
			}
			for _, g := range guesses {
				if a.json {
					err = json.NewEncoder(a.stdout).Encode(map[string]any{"encoding": g.Encoding.Name(), "confidence": g.Confidence, "language": g.Language})
				} else {
					_, err = fmt.Fprintln(a.stdout, strings.TrimSpace(fmt.Sprintf("%s %d%% %s", g.Encoding.Name(), g.Confidence, g.Language)))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) listCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the encodings and their other names",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, e := range charset.All() {
				var err error
				if a.json {
					err = json.NewEncoder(a.stdout).Encode(map[string]any{"encoding": e.Name(), "labels": e.Labels()})
				} else {
					_, err = fmt.Fprintf(a.stdout, "%-16s %s\n", e.Name(), strings.Join(e.Labels(), " "))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func needEncoding(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("name an encoding; sockeye text list lists them")
	}
	return nil
}

func codec(name, policy string) (*charset.Encoding, charset.Policy, error) {
	e, err := charset.Lookup(name)
	if err != nil {
		return nil, 0, usageError{err}
	}
	p, err := charset.ParsePolicy(policy)
	if err != nil {
		return nil, 0, usageError{err}
	}
	return e, p, nil
}

// argument is the arguments as one text, or else standard input.
func (a *app) argument(args []string) ([]byte, error) {
	if len(args) > 0 {
		return []byte(strings.Join(args, " ")), nil
	}
	return io.ReadAll(a.stdin)
}
