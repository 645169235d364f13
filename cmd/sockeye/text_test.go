package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is certain is said as such, and what cannot be known is not.
func TestTextDetect(t *testing.T) {
	t.Parallel()
	const unsure = "prove nothing; these are guesses"
	for _, test := range []struct {
		name, data, best, errs string
		code                   int
	}{
		{"nothing", "", "", "there are no bytes to go by", 1},
		{"no text", "\x00", "", "no encoding fits these bytes", 1},
		{"one byte", "\xff", "windows-1251 ", unsure, 0},
		{"half a character", "\xc4", "", unsure, 0},
		{"two characters of GBK", "\xc4\xe3\xba\xc3", "gbk ", unsure, 0},
		{"two of GBK that are UTF-8", "\xc4\xbf\xc2\xbc", "utf-8 ", unsure, 0},
		{"ASCII", "hello", "ascii 99%", "", 0},
		{"a mark", "\xef\xbb\xbf", "utf-8-sig 100%", "", 0},
		{"UTF-8", "你好，世界", "utf-8 9", "", 0},
		{"GBK", bytesOf(t, "gbk", "你好，世界"), "gbk ", "", 0},
		{"UTF-16", bytesOf(t, "utf-16le", "Hello, world"), "utf-16le ", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, "text", "detect")
			cmd.Stdin = strings.NewReader(test.data)
			out, errs, code := result(t, cmd)
			if !strings.HasPrefix(out, test.best) || !strings.Contains(errs, test.errs) || test.errs == "" && errs != "" || code != test.code {
				t.Errorf("printed %q, said %q, exit %d", out, errs, code)
			}
			file := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(file, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
			if out2, errs2, code2 := result(t, command(t, "text", "detect", file)); out2 != out || errs2 != errs || code2 != code {
				t.Errorf("from a file: printed %q, said %q, exit %d", out2, errs2, code2)
			}
		})
	}
}

func TestTextJSON(t *testing.T) {
	t.Parallel()
	cmd := command(t, "text", "detect", "--json")
	cmd.Stdin = strings.NewReader("\xc4\xe3")
	out, errs, code := result(t, cmd)
	if !strings.Contains(out, `"encoding":"gbk","language":"Chinese"}`) || !strings.HasPrefix(errs, `{"note":"`) || code != 0 {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
	if out, _, _ := result(t, command(t, "text", "list", "--json")); !strings.Contains(out, `{"encoding":"gb18030","labels":[`) {
		t.Errorf("printed %.300q", out)
	}
	if out, _, _ := result(t, command(t, "version", "--json")); !strings.Contains(out, `"version":"`) {
		t.Errorf("printed %q", out)
	}
}
