package charset

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// benchTexts are what people write in an encoding, with its ASCII.
var benchTexts = []struct {
	label, text string
	x           encoding.Encoding
}{
	{"utf-8", "服务器返回错误：无法打开文件 config.json，请检查网络连接。\n", unicode.UTF8},
	{"gbk", "服务器返回错误：无法打开文件 config.json，请检查网络连接。\n", simplifiedchinese.GBK},
	{"gb18030", "服务器返回错误：无法打开文件 config.json，请检查网络连接。\n", simplifiedchinese.GB18030},
	{"shift_jis", "サーバーに接続できませんでした。config.json を確認してください。\n", japanese.ShiftJIS},
	{"euc-jp", "サーバーに接続できませんでした。config.json を確認してください。\n", japanese.EUCJP},
	{"big5", "伺服器回報錯誤：無法開啟檔案 config.json，請檢查網路連線。\n", traditionalchinese.Big5},
	{"euc-kr", "서버에 연결할 수 없습니다. config.json 파일을 확인하십시오.\n", korean.EUCKR},
	{"windows-1251", "Сервер не отвечает, проверьте файл config.json и попробуйте ещё раз.\n", charmap.Windows1251},
	{"utf-16le", "服务器返回错误：无法打开文件 config.json，请检查网络连接。\n", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
}

const benchSize = 64 << 10

func BenchmarkDecode(b *testing.B) {
	for _, c := range benchTexts {
		e := must(b, c.label)
		data, err := e.EncodeString(strings.Repeat(c.text, benchSize/len(c.text)), Strict)
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]byte, 0, 4*len(data))
		b.Run(c.label, func(b *testing.B) {
			d := e.NewDecoder(Replace)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(dst, data, false); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.label+"/xtext", func(b *testing.B) {
			d := c.x.NewDecoder()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := d.Transform(dst[:cap(dst)], data, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range benchTexts {
		e := must(b, c.label)
		text := []byte(strings.Repeat(c.text, benchSize/len(c.text)))
		dst := make([]byte, 0, 4*len(text))
		b.Run(c.label, func(b *testing.B) {
			enc := e.NewEncoder(Strict)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := enc.Encode(dst, text, true); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.label+"/xtext", func(b *testing.B) {
			enc := c.x.NewEncoder()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := enc.Transform(dst[:cap(dst)], text, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAuto decodes with the verdict to be found and found.
func BenchmarkAuto(b *testing.B) {
	auto := Auto(must(b, "gb18030"))
	for _, c := range []struct{ name, label string }{{"utf-8", "utf-8"}, {"legacy", "gb18030"}} {
		data, _ := must(b, c.label).EncodeString(strings.Repeat(benchTexts[0].text, benchSize/90), Strict)
		dst := make([]byte, 0, 4*len(data))
		b.Run(c.name, func(b *testing.B) {
			d := auto.NewDecoder(Replace)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(dst, data, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkErrors decodes noise: the policy's path.
func BenchmarkErrors(b *testing.B) {
	data := []byte(strings.Repeat("\xff\xfe\x80a\xe4\xbd", benchSize/6))
	for _, label := range []string{"utf-8", "gb18030", "shift_jis"} {
		dst := make([]byte, 0, 6*len(data))
		b.Run(label, func(b *testing.B) {
			d := must(b, label).NewDecoder(BackslashReplace)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(dst, data, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTables is the first use of an encoding.
func BenchmarkTables(b *testing.B) {
	for _, label := range []string{"gbk", "gb18030", "big5", "euc-jp", "windows-1251"} {
		b.Run(label, func(b *testing.B) {
			e := must(b, label)
			b.ReportAllocs()
			for b.Loop() {
				e.load()
			}
		})
	}
}

func BenchmarkVisible(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"clean", benchTexts[0].text}, {"escapes", "\x1b[1;31merror\x1b[0m: \u202e你好\r\n"},
	} {
		text := []byte(strings.Repeat(c.text, benchSize/len(c.text)))
		dst := make([]byte, 0, 6*len(text))
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				AppendVisible(dst, text, VisibleOptions{})
			}
		})
	}
}
