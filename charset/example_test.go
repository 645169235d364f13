package charset_test

import (
	"fmt"

	"sockeye.dev/charset"
)

func ExampleLookup() {
	for _, label := range []string{"GB2312", "cp936", "latin-1", "utf_16", "big-6"} {
		e, err := charset.Lookup(label)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(label, "is", e.Name())
	}
	// Output:
	// GB2312 is gbk
	// cp936 is gbk
	// latin-1 is latin-1
	// utf_16 is utf-16
	// unknown encoding "big-6" (is it big5?)
}

// A character that is split over two reads is put together.
func ExampleDecoder() {
	gbk, _ := charset.Lookup("gbk")
	d := gbk.NewDecoder(charset.Replace)
	for _, read := range []string{"\xc4\xe3\xba", "\xc3!"} {
		text, err := d.Decode(nil, []byte(read), false)
		fmt.Printf("%s, %d byte kept, %v\n", text, d.Pending(), err)
	}
	// Output:
	// 你, 1 byte kept, <nil>
	// 好!, 0 byte kept, <nil>
}

func ExampleAuto() {
	d := charset.Auto(charset.LegacyFor("zh_CN.UTF-8")).NewDecoder(charset.BackslashReplace)
	for _, read := range []string{"hello ", "\xc4\xe3\xba\xc3 ", "温度计 "} {
		text, _ := d.Decode(nil, []byte(read), false)
		fmt.Println(string(text), d.Encoding())
	}
	// Output:
	// hello  utf-8
	// 你好  gb18030
	// 温度计  utf-8
}

func ExampleAppendVisible() {
	text := []byte("\x1b[2Jred\u202e alert\r\n")
	fmt.Print(string(charset.AppendVisible(nil, text, charset.VisibleOptions{})))
	// Output:
	// \x1b[2Jred\u202e alert
}

func ExampleDetect() {
	for _, g := range charset.Detect([]byte("\xb7\xfe\xce\xf1\xc6\xf7\xb4\xed\xce\xf3")) {
		text, _ := g.Encoding.DecodeString([]byte("\xb7\xfe\xce\xf1\xc6\xf7\xb4\xed\xce\xf3"), charset.Replace)
		fmt.Println(g.Encoding, g.Language, text)
		break
	}
	// Output:
	// gbk Chinese 服务器错误
}
