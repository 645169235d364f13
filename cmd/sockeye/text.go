package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
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
		Use:   "encode ENCODING [TEXT...]",
		Short: "Text to bytes",
		Long: `Encode writes TEXT, or UTF-8 from standard input, in ENCODING: as bytes, or as
hexadecimal digits with --hex and on a terminal.`,
		Example: "  sockeye text encode gbk 你好 --hex",
		Args:    needEncoding,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, p, err := codec(args[0], policy)
			if err != nil {
				return err
			}
			text, err := a.argument(cmd.Context(), args[1:])
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
		Use:   "decode ENCODING [TEXT...]",
		Short: "Bytes to text",
		Long: `Decode reads bytes in ENCODING from standard input, or from TEXT with --hex, and
writes UTF-8.`,
		Example: "  sockeye text decode gbk --hex 'c4 e3 ba c3'",
		Args:    needEncoding,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, p, err := codec(args[0], policy)
			if err != nil {
				return err
			}
			b, err := a.argument(cmd.Context(), args[1:])
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
		Use:   "detect [FILE]",
		Short: "Guess the encoding of a file or standard input",
		Long: `Detect prints what encodings a file or standard input may be in, the most likely
first, with how likely each is. Only a byte order mark is certain; a few
characters are next to nothing to go by, and then it says so.`,
		Example: "  sockeye text detect notes.txt",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := a.sample(cmd.Context(), args)
			if err != nil {
				return err
			}
			guesses := charset.Detect(data)
			switch {
			case len(data) == 0:
				return errors.New("detect: there are no bytes to go by")
			case len(guesses) == 0:
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
			if n := telling(data); n > 0 && n < enoughToTell && guesses[0].Confidence < 100 {
				a.note("note: so few bytes beyond ASCII (%d) prove nothing; these are guesses", n)
			}
			return nil
		},
	}
}

// sample is the beginning of the file named, or of standard input.
func (a *app) sample(ctx context.Context, args []string) ([]byte, error) {
	const most = 1 << 20
	if len(args) == 0 {
		return a.readInput(ctx, most)
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// enoughToTell is how many telling bytes a guess should have, four characters
// of most: two Chinese characters in GBK can be valid UTF-8.
const enoughToTell = 8

// telling counts the bytes that encodings disagree about.
func telling(data []byte) int {
	n := 0
	for _, b := range data {
		if b == 0 || b >= 0x80 {
			n++
		}
	}
	return n
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
func (a *app) argument(ctx context.Context, args []string) ([]byte, error) {
	if len(args) > 0 {
		return []byte(strings.Join(args, " ")), nil
	}
	return a.readInput(ctx, math.MaxInt64)
}

// readInput is standard input, or as much of it, until it or ctx ends.
func (a *app) readInput(ctx context.Context, most int64) ([]byte, error) {
	in, closeIn := a.input()
	defer closeIn()
	stop := context.AfterFunc(ctx, in.Stop)
	defer stop()
	b, err := io.ReadAll(io.LimitReader(in.R, most))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return b, err
}
