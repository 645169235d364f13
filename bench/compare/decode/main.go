// Command decode measures how fast text is decoded to UTF-8: by Sockeye's
// charset package, by golang.org/x/text alone, by iconv(1) and by python3,
// each on the same bytes, one after the other in every round. It prints the
// best of the rounds in MB of input a second, and how many times as fast
// Sockeye is. Ratios above 1 are in Sockeye's favour.
//
//	go run ./bench/compare/decode [-size MB] [-rounds N]
//
// Sockeye and x/text decode 64 KiB at a time into one buffer, as a socket
// would be read. python3 decodes the whole at once and counts only that. iconv
// is a process that reads a file; its start is in the figure. A peer that is
// not installed is left out.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"sockeye.dev/charset"
)

const (
	chinese     = "服务器返回错误：无法打开文件 config.json，请检查网络连接。\n"
	traditional = "伺服器回報錯誤：無法開啟檔案 config.json，請檢查網路連線。\n"
	japaneseLog = "サーバーに接続できませんでした。config.json を確認してください。\n"
	koreanLog   = "서버에 연결할 수 없습니다. config.json 파일을 확인하십시오.\n"
)

var cases = []struct {
	label, iconv, text string
	x                  encoding.Encoding
}{
	{"utf-8", "UTF-8", chinese, unicode.UTF8},
	{"gbk", "GBK", chinese, simplifiedchinese.GBK},
	{"gb18030", "GB18030", chinese, simplifiedchinese.GB18030},
	{"shift_jis", "SHIFT_JIS", japaneseLog, japanese.ShiftJIS},
	{"big5", "BIG5", traditional, traditionalchinese.Big5},
	{"euc-kr", "EUC-KR", koreanLog, korean.EUCKR},
	{"utf-16le", "UTF-16LE", chinese, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
}

const chunk = 64 << 10

const script = `
import sys, time
data = open(sys.argv[2], 'rb').read()
start = time.perf_counter()
data.decode(sys.argv[1])
print(time.perf_counter() - start)
`

func main() {
	size := flag.Int("size", 16, "megabytes to decode")
	rounds := flag.Int("rounds", 5, "how often")
	flag.Parse()
	if err := run(*size<<20, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
}

func run(size, rounds int) error {
	dir, err := os.MkdirTemp("", "decode")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Println("| encoding | sockeye MB/s | x/text | iconv | python3 |")
	fmt.Println("|--|--|--|--|--|")
	for _, c := range cases {
		e, err := charset.Lookup(c.label)
		if err != nil {
			return err
		}
		data, err := e.EncodeString(strings.Repeat(c.text, size/len(c.text)), charset.Strict)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, c.label)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return err
		}
		peers := []func() (time.Duration, error){
			func() (time.Duration, error) { return ours(e, data) },
			func() (time.Duration, error) { return xtext(c.x, data) },
			func() (time.Duration, error) { return iconv(c.iconv, file) },
			func() (time.Duration, error) { return python(c.label, file) },
		}
		best := make([]time.Duration, len(peers))
		for range rounds {
			for i, p := range peers {
				d, err := p()
				if err != nil {
					return fmt.Errorf("%s: %w", c.label, err)
				}
				if best[i] == 0 || d > 0 && d < best[i] {
					best[i] = d
				}
			}
		}
		fmt.Printf("| %s | %.0f |", c.label, rate(len(data), best[0]))
		for _, d := range best[1:] {
			if d == 0 {
				fmt.Print(" - |")
				continue
			}
			fmt.Printf(" %.0f (%.2fx) |", rate(len(data), d), d.Seconds()/best[0].Seconds())
		}
		fmt.Println()
	}
	return nil
}

func rate(n int, d time.Duration) float64 { return float64(n) / 1e6 / d.Seconds() }

func ours(e *charset.Encoding, data []byte) (time.Duration, error) {
	d := e.NewDecoder(charset.Strict)
	dst := make([]byte, 0, 4*chunk)
	start := time.Now()
	for len(data) > 0 {
		n := min(chunk, len(data))
		if _, err := d.Decode(dst, data[:n], n == len(data)); err != nil {
			return 0, err
		}
		data = data[n:]
	}
	return time.Since(start), nil
}

func xtext(x encoding.Encoding, data []byte) (time.Duration, error) {
	d := x.NewDecoder()
	dst := make([]byte, 4*chunk)
	start := time.Now()
	for len(data) > 0 {
		n := min(chunk, len(data))
		// A character that the chunk cuts is left for the next.
		_, used, err := d.Transform(dst, data[:n], n == len(data))
		if used == 0 {
			return 0, err
		}
		data = data[used:]
	}
	return time.Since(start), nil
}

// iconv and python return 0 where the program is not installed.
func iconv(label, file string) (time.Duration, error) {
	if _, err := exec.LookPath("iconv"); err != nil {
		return 0, nil
	}
	cmd := exec.Command("iconv", "-f", label, "-t", "UTF-8", file)
	start := time.Now()
	err := cmd.Run()
	return time.Since(start), err
}

func python(label, file string) (time.Duration, error) {
	if _, err := exec.LookPath("python3"); err != nil {
		return 0, nil
	}
	out, err := exec.Command("python3", "-c", script, label, file).Output()
	if err != nil {
		return 0, err
	}
	s, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return time.Duration(s * float64(time.Second)), err
}
