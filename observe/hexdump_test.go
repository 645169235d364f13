package observe_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sockeye.dev/observe"
)

// dumped is data whose dumps, made by xxd, are in testdata.
func dumped(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestHexdumpIsXxds(t *testing.T) {
	for _, n := range []int{0, 1, 2, 15, 16, 17, 256, 300} {
		for _, offset := range []int64{0, 5, 0xfffffff8} {
			file := filepath.Join("testdata", "xxd-"+strconv.Itoa(n)+"-"+strconv.FormatInt(offset, 16))
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := observe.AppendHexdump(nil, dumped(n), offset); !bytes.Equal(got, want) {
				t.Errorf("%s: got\n%swant\n%s", file, got, want)
			}
			xxd, err := exec.LookPath("xxd")
			if err != nil {
				continue
			}
			cmd := exec.Command(xxd, "-o", strconv.FormatInt(offset, 10))
			cmd.Stdin = bytes.NewReader(dumped(n))
			if out, err := cmd.Output(); err != nil || !bytes.Equal(out, want) {
				t.Errorf("%s: the xxd here says\n%swant\n%s (%v)", file, out, want, err)
			}
		}
	}
}

func TestHexdumpOfALongStream(t *testing.T) {
	got := string(observe.AppendHexdump(nil, []byte("x"), 0x123456789a))
	if !strings.HasPrefix(got, "123456789a: 78 ") {
		t.Errorf("got %q", got)
	}
}
