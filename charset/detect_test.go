package charset

import "testing"

var samples = []struct{ label, text string }{
	{"gbk", "你好，世界！请把设备的温度数据发送到服务器。连接已经断开，请稍后再试，谢谢。"},
	{"gb18030", "服务器返回错误：无法打开文件。㐀㐁㐂龦请检查网络连接是否正常，然后重新登录系统。"},
	{"big5", "你好，世界！請把設備的溫度資料傳送到伺服器。連線已經中斷，請稍後再試，謝謝。"},
	{"shift_jis", "こんにちは、世界！サーバーに接続できませんでした。もう一度やり直してください。"},
	{"euc-jp", "こんにちは、世界！サーバーに接続できませんでした。もう一度やり直してください。"},
	{"iso-2022-jp", "こんにちは、世界！サーバーに接続できませんでした。もう一度やり直してください。"},
	{"euc-kr", "안녕하세요, 반갑습니다. 서버에 연결할 수 없습니다. 나중에 다시 시도해 주세요."},
	{"windows-1251", "Привет, мир! Сервер не отвечает, попробуйте подключиться ещё раз через минуту."},
	{"koi8-r", "Привет, мир! Сервер не отвечает, попробуйте подключиться ещё раз через минуту."},
	{"windows-1252", "été à Genève: où êtes-vous? Le serveur a répondu après un délai très élevé."},
	{"utf-8", "你好，世界！请把设备的温度数据发送到服务器。"},
	{"utf-16le", "你好，世界！请把设备的温度数据发送到服务器。连接已经断开，请稍后再试。"},
	{"utf-16be", "Hello, world! 你好。"},
}

// TestDetect cuts fixed sentences to five lengths.
func TestDetect(t *testing.T) {
	right, total := 0, 0
	for _, s := range samples {
		for _, n := range []int{2, 4, 8, 16, 1000} {
			r := []rune(s.text)
			text := string(r[:min(n, len(r))])
			data, err := must(t, s.label).EncodeString(text, Strict)
			if err != nil {
				t.Fatalf("%s: %v", s.label, err)
			}
			total++
			guesses := Detect(data)
			if len(guesses) > 0 {
				// What matters is that the text comes out.
				if got, err := guesses[0].Encoding.DecodeString(data, Strict); err == nil && got == text {
					right++
					continue
				}
			}
			t.Logf("%s, %d characters: %v", s.label, n, guesses)
			if n == 1000 {
				t.Errorf("%s: a whole sentence is not recognized", s.label)
			}
		}
	}
	t.Logf("%d of %d", right, total)
	if right < 58 {
		t.Errorf("%d of %d right", right, total)
	}
}
